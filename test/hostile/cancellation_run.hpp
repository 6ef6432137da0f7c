#ifndef COAUTH_TEST_HOSTILE_CANCELLATION_RUN_HPP
#define COAUTH_TEST_HOSTILE_CANCELLATION_RUN_HPP

#include "fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace test
{

// One operation and all that it needs. What owns comes first, so that it goes last.
class world
{
public:
    // `held`: nothing that the operation waits for comes.
    explicit world(bool is_held) : held(is_held) {}

    // What is to be called when the operation under test ends.
    auto handler()
    {
        return boost::asio::bind_cancellation_slot(
            signal.slot(), [this](auto const& got) { end(got); });
    }

    void end(auto const& got) { end_as(got ? "success" : to_string(got.error().value())); }

    // A coroutine of the user's that is cancelled throws.
    void end(std::exception_ptr const& thrown)
    {
        try
        {
            std::rethrow_exception(thrown);
        }
        catch (boost::system::system_error const& failure)
        {
            bool const aborted = failure.code() == boost::asio::error::operation_aborted;
            end_as(aborted ? "cancelled" : "an exception");
        }
    }

    // Runs until nothing is left to do.
    void settle() const
    {
        context->restart();
        context->run();
    }

    bool const held;
    boost::asio::cancellation_signal signal;
    std::unique_ptr<boost::asio::io_context> context = std::make_unique<boost::asio::io_context>();
    coauth::client_config config;
    std::optional<coauth::client> client;
    std::optional<coauth::token_source> source;
    // What others than the server were asked for, and have to response.
    std::vector<std::shared_ptr<void>> asked;
    int ended = 0;
    std::string how;
    std::chrono::steady_clock::time_point when;

private:
    void end_as(std::string_view outcome)
    {
        ++ended;
        how = outcome;
        when = std::chrono::steady_clock::now();
    }
};

// Of whom the operation is: their end is its end.
enum class owner
{
    nobody,
    client,
    source,
};

struct operation
{
    char const* name;
    owner of;
    // Begins it. What it meets has been made by `prepare`.
    std::function<void(world&)> start;
    std::function<void(world&)> prepare = [](world&) {};
    // What its client is like.
    std::function<void(world&)> configure = [](world&) {};
    // What the server responds, before it responds as it should or, where it is held, not at all.
    std::function<void(authorization_server&)> script = [](authorization_server&) {};
    // Where it is held, it waits for the server.
    bool of_server = true;
    // So many handlers run before it can be cancelled: Asio's `co_spawn` takes no notice before.
    std::size_t first_step = 0;
    // It succeeds at once, and goes on without anybody who waits.
    bool background = false;
    // It has an end of its own that a cancellation hastens: success, also where it is held.
    bool may_succeed = false;
    // It is visited only where it is held: by itself it would take long.
    bool only_held = false;
    // Its cancellation leaves nothing to do, whatever goes on for its source otherwise.
    bool leaves_nothing = false;
};

// Those with a handler: of a client, of a token source, of neither.
std::vector<operation> operations_of_a_client();
std::vector<operation> operations_of_a_source();
std::vector<operation> operations_of_nobody();
// The same in coroutines.
std::vector<operation> awaited_operations();
std::vector<operation> calls_with_a_token();

} // namespace test

#endif
