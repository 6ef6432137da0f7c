#ifndef COAUTH_SRC_CLIENT_OPERATION_HPP
#define COAUTH_SRC_CLIENT_OPERATION_HPP

#include "client/client_impl.hpp"
#include "client/endpoint_call.hpp"
#include "net/task.hpp"
#include "net/wait.hpp"

#include <atomic>
#include <optional>
#include <thread>

namespace coauth::detail
{

// One call: its attempts, its end, and what may end it early.
//
// Lives in its own pending wait: when that is destroyed with its context, so is it, and the handler
// is then never called.
class operation final : public deadline_entry
{
public:
    static std::weak_ptr<deadline_entry>
    start(std::shared_ptr<client_impl> core, std::unique_ptr<endpoint_call> what);

    // In two steps: what it needs to come to its end is there after the first, and the second does
    // not fail.
    static std::shared_ptr<operation>
    make(std::shared_ptr<client_impl> core, std::unique_ptr<endpoint_call> what);
    void begin() noexcept;

    ~operation();
    operation(std::shared_ptr<client_impl> core, std::unique_ptr<endpoint_call> what);

private:
    using attempt_result = result<net::exchange_outcome>;

    net::task<result<void>> run();
    net::task<attempt_result> attempt();
    net::task<attempt_result> exchange(connection_pool::lease& held);
    // Makes the request anew where it holds proofs that are good for one request on the wire.
    net::task<result<void>> prove();
    net::task<result<std::string>> ask_signer(std::string input);
    net::task<result<secret>> assertion(client_config const& config);
    net::task<connection_pool::lease> wait_in_line(connection_pool::waiter& waiter);
    net::task<result<void>> open(connection_pool::lease& held);
    net::task<bool> pause(std::chrono::nanoseconds wait);

    void launch();
    [[nodiscard]] result<void> prepare() noexcept;
    void connect_cancellation_slot();
    void resume() override;
    void resume_later() noexcept override;
    void begin_attempt();
    // Ends it at that moment, unless it is told another; at once when the client is closed.
    void keep_until(clock::time_point moment);
    void expire(clock::time_point now) noexcept override;
    void end(errc why) noexcept override;

    // Asks again for an assertion that others make and that was sent: it may be good once.
    [[nodiscard]] result<void> renew_given_assertion();
    // Nobody has touched it meanwhile: it can carry another request.
    [[nodiscard]] static bool still_good(net::connection& kept);
    // Its failure says nothing of the request: the server had closed it, or gave up waiting.
    [[nodiscard]] bool was_dead(net::connection const& kept, attempt_result const& outcome) const;
    // What it presents may be good once, and the server may have taken it.
    [[nodiscard]] bool is_single_use_grant() const;

    // Why it did not go on, with what is known of the attempt before.
    [[nodiscard]] error given_up(std::string const& while_doing) const;
    [[nodiscard]] error counted(error const& why) const;
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next_wait(error const& why) const;
    // Whether it is worth another attempt at once, since what was refused is another now.
    [[nodiscard]] bool has_changed(error const& why);
    [[nodiscard]] bool take_other_credentials(error const& why);
    [[nodiscard]] result<void> read(attempt_result outcome);
    void tell_failed(error const& why, std::optional<std::chrono::nanoseconds> next) const;

    void finish(result<void> outcome);
    void complete();

    std::shared_ptr<client_impl> core_;
    std::unique_ptr<endpoint_call> const what_;
    client_impl::destination const* where_ = nullptr;
    client_impl::built request_sent_;
    // What is in the present request was sent.
    bool sent_ = false;
    // The server may have done what it was asked for.
    bool taken_ = false;
    // The last response had a nonce for the next DPoP proof.
    bool nonce_came_ = false;
    // Other credentials were tried than those that the server refused.
    bool tried_others_ = false;
    // The server gave a nonce for the DPoP proof, and it was used.
    bool tried_nonce_ = false;
    net::operation_context net_;
    clock::time_point deadline_;
    bool client_is_open_ = false;
    std::uint64_t number_;
    unsigned attempts_ = 0;
    clock::time_point attempt_began_;
    std::optional<error> last_failure_;
    // Set when its coroutine has ended.
    std::optional<result<void>> outcome_;
    // The thread that is inside the initiating function.
    std::atomic<std::thread::id> initiating_;
    // Last, since its frames use all the rest.
    net::task<result<void>> run_;
};

} // namespace coauth::detail

#endif
