#ifndef COAUTH_SRC_CLIENT_OPERATION_HPP
#define COAUTH_SRC_CLIENT_OPERATION_HPP

#include "client/client_impl.hpp"
#include "client/endpoint_call.hpp"
#include "net/task.hpp"
#include "net/wait.hpp"
#include "policy/attempts.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace coauth::detail
{

// One call of an endpoint: its attempts, its deadline, its cancellation and its completion.
//
// It is owned by its own pending wait. When the context destroys that, the operation is destroyed
// and the handler is never called.
class operation final : public deadline_entry
{
public:
    static std::weak_ptr<deadline_entry>
    start(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call);

    // The same in two steps: the first allocates all that the operation needs to complete, and the
    // second does not fail.
    static std::shared_ptr<operation>
    create(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call);
    void begin() noexcept;

    operation(std::shared_ptr<client_impl> client, std::unique_ptr<endpoint_call> call);
    ~operation();

    void abort(errc reason) noexcept override;

private:
    using exchange_result = result<net::exchange_outcome>;

    // Lifetime (operation.cpp).
    void run_to_first_wait();
    [[nodiscard]] result<void> prepare() noexcept;
    [[nodiscard]] result<void> make_request(wire_request& request, credentials const& current);
    [[nodiscard]] clock::time_point first_deadline() const;
    void resume() override;
    void resume_later() noexcept override;
    void on_deadline(clock::time_point now) noexcept override;
    void set_deadline(clock::time_point deadline);
    void set_deadline_at_latest(clock::time_point deadline) noexcept;
    void finish();
    void complete();

    // Attempts (operation_attempts.cpp).
    net::task<bool> run();
    void begin_attempt();
    net::task<exchange_result> attempt();
    // The keys that the server publishes, for a call that needs them.
    [[nodiscard]] bool needs_published_keys() const noexcept;
    net::task<result<void>> provide_keys();
    net::task<result<void>> fetch_keys();
    // True: the response may be verified by other keys, which are there now.
    net::task<bool> replace_keys();
    net::task<connection_pool::lease> wait_in_queue(connection_pool::waiter& waiter);
    net::task<exchange_result> exchange(connection_pool::lease& lease);
    net::task<exchange_result> hedge(connection_pool::lease& lease);
    net::task<exchange_result> exchange_on_new_connection(
        net::connection& fresh, wire_request& request, net::operation_context& op);
    net::task<result<void>> open_connection(net::connection& fresh, net::operation_context& op);
    // Replaces what must not be sent twice or is valid for a short time.
    net::task<result<void>> renew_request(wire_request& request, net::operation_context& op);
    [[nodiscard]] result<void> reload_single_use_assertion(wire_request& request);
    void set_hedging_deadline(clock::time_point now);
    // `pool_is_shared`: other operations use connections of its pool.
    [[nodiscard]] bool
    is_reusable(net::connection& idle, bool pool_is_shared, clock::time_point now) const;
    [[nodiscard]] bool is_too_old(net::connection const& used, clock::time_point now) const;
    [[nodiscard]] bool is_stale_connection_failure(
        net::connection const& reused, exchange_result const& outcome) const;
    // Sets the result of the call.
    void read_response(exchange_result outcome);
    // The delay before the next attempt; none: there is no further attempt.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next_delay(error const& failure);
    [[nodiscard]] bool reload_credentials();
    // False: the wait was aborted.
    net::task<bool> wait_before_retry(std::chrono::nanoseconds delay);
    // The error of an operation that was aborted, with the details of the attempt before.
    [[nodiscard]] error aborted_error(std::string const& context) const;
    [[nodiscard]] error with_attempt_count(error const& failure) const;
    void notify_attempt_failed(
        error const& failure, std::optional<std::chrono::nanoseconds> delay) const;
    void trace(std::string const& text) const noexcept;

    std::shared_ptr<client_impl> const client_;
    // Has the result.
    std::unique_ptr<endpoint_call> const call_;
    destination const* destination_ = nullptr;
    wire_request request_;
    policy::attempts attempts_;
    net::operation_context net_;
    clock::time_point const deadline_;
    bool client_is_open_ = false;
    std::uint64_t const id_;
    clock::time_point attempt_began_;
    std::optional<error> last_failure_;
    bool finished_ = false;
    // The thread inside `begin`.
    std::atomic<std::thread::id> initiating_thread_;
    // Last, because its frame uses all other members.
    net::task<bool> run_;
};

} // namespace coauth::detail

#endif
