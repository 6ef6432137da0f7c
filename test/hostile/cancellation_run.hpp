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

// One operation with its client, source and context. Owners are declared first, so that they are
// destroyed last.
class cancellation_run
{
public:
    // `held`: the server, resolver or signer that the operation waits for never responds.
    explicit cancellation_run(bool is_held) : held(is_held) {}

    // The handler of the operation under test.
    auto handler()
    {
        return boost::asio::bind_cancellation_slot(
            signal.slot(), [this](auto const& got) { complete_with(got); });
    }

    void complete_with(auto const& got)
    {
        complete(got ? "success" : to_string(got.error().value()));
    }

    // A user's coroutine that is cancelled throws.
    void complete_with(std::exception_ptr const& thrown)
    {
        try
        {
            std::rethrow_exception(thrown);
        }
        catch (boost::system::system_error const& failure)
        {
            bool const aborted = failure.code() == boost::asio::error::operation_aborted;
            complete(aborted ? "cancelled" : "an exception");
        }
    }

    // Runs until the context has no more work.
    void run_to_end() const
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
    // Calls of a resolver or signer that have not been completed yet.
    std::vector<std::shared_ptr<void>> pending_calls;
    int completions = 0;
    std::string outcome;
    std::chrono::steady_clock::time_point completed_at;

private:
    void complete(std::string_view name)
    {
        ++completions;
        outcome = name;
        completed_at = std::chrono::steady_clock::now();
    }
};

// The object whose end cancels the operation.
enum class owner
{
    none,
    client,
    source,
};

struct operation
{
    char const* name;
    owner of;
    // Starts the operation, after `prepare`.
    std::function<void(cancellation_run&)> start;
    std::function<void(cancellation_run&)> prepare = [](cancellation_run&) {};
    // Changes the configuration of the client.
    std::function<void(cancellation_run&)> configure = [](cancellation_run&) {};
    // Scripts responses that precede the usual response, or the silence of a held run.
    std::function<void(authorization_server&)> script = [](authorization_server&) {};
    // A held operation waits for the server.
    bool waits_for_server = true;
    // Number of handlers before it can be cancelled: Asio's `co_spawn` ignores an earlier signal.
    std::size_t first_step = 0;
    // Succeeds at once and continues in the background.
    bool background = false;
    // A cancellation may end it with success, also if it is held.
    bool may_succeed = false;
    // Only held runs are visited, since others take long.
    bool held_only = false;
    // Its cancellation ends the fetch too.
    bool cancels_fetch = false;
};

// Operations with a handler: of a client, of a token source, and the one-shot functions.
std::vector<operation> operations_of_a_client();
std::vector<operation> operations_of_a_source();
std::vector<operation> one_shot_operations();
// The same awaited in coroutines.
std::vector<operation> awaited_operations();
std::vector<operation> calls_with_a_token();

} // namespace test

#endif
