#ifndef COAUTH_SRC_CLIENT_OPERATION_HPP
#define COAUTH_SRC_CLIENT_OPERATION_HPP

#include "client_core.hpp"

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <exception>
#include <optional>
#include <thread>

namespace coauth::detail
{

// One call: its attempts, its end, and what may end it early.
//
// Lives in its own pending waits: when they are destroyed with their context, so is it, and the
// handler is then never called.
class operation final : public timed
{
public:
    static std::weak_ptr<timed>
    start(std::shared_ptr<client_core> core, token_request request, token_handler handler);

    ~operation();
    operation(std::shared_ptr<client_core> core, token_request request, token_handler handler);

private:
    using attempt_result = result<net::exchange_outcome>;

    static boost::asio::awaitable<result<access_token>> run(std::shared_ptr<operation> self);
    boost::asio::awaitable<attempt_result> attempt();
    boost::asio::awaitable<client_pool::lease> wait_in_line();
    boost::asio::awaitable<result<void>> open(client_pool::lease& held);
    boost::asio::awaitable<bool> pause(std::chrono::nanoseconds wait);

    void launch();
    void obey_slot();
    void begin_attempt();
    void expire(clock::time_point now) override;
    void close() override;

    // Why it did not go on, with what is known of the attempt before.
    [[nodiscard]] error given_up(std::string const& while_doing) const;
    [[nodiscard]] error counted(error const& why) const;
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next_wait(error const& why) const;
    [[nodiscard]] bool take_other_credentials(error const& why);
    void tell_failed(error const& why, std::optional<std::chrono::nanoseconds> next) const;

    void finish(std::exception_ptr const& failure, result<access_token> outcome);
    void complete(result<access_token> outcome);

    std::shared_ptr<client_core> core_;
    token_request request_;
    token_handler handler_;
    client_core::built request_sent_;
    // Other credentials were tried than those that the server refused.
    bool tried_others_ = false;
    net::operation_context net_;
    clock::time_point deadline_;
    std::uint64_t number_;
    unsigned attempts_ = 0;
    clock::time_point attempt_began_;
    std::optional<error> last_failure_;
    std::atomic<bool> finished_{false};
    // The thread that is inside the initiating function.
    std::atomic<std::thread::id> initiating_;
};

} // namespace coauth::detail

#endif
