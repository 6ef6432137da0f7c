#ifndef COAUTH_TEST_HOSTILE_ALLOCATION_SCAN_HPP
#define COAUTH_TEST_HOSTILE_ALLOCATION_SCAN_HPP

#include "client_authentication.hpp"
#include "failing_memory.hpp"
#include "random_seed.hpp"
#include "sanitizers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <vector>

namespace test
{

// The token of `token_body`, or one that the server issued.
inline bool is_right(coauth::access_token const& token)
{
    return token.value().starts_with("tok.en-") || token.value().size() == 40;
}
inline bool is_right(coauth::introspection const& known)
{
    return known.active;
}
inline bool is_right(coauth::authorization_server const& server)
{
    return server.token_endpoint.starts_with("https://127.0.0.1:");
}
inline bool is_right(coauth::protected_resource const& found)
{
    return is_right(found.server);
}
inline bool is_right(coauth::secret const& proof)
{
    return proof.view().starts_with("eyJ");
}

// One run and its outcomes. It allocates no memory while allocations fail.
struct scan_run
{
    explicit scan_run(coauth::client_config used) : config(std::move(used))
    {
        outcomes.reserve(64);
    }

    auto handler()
    {
        ++started;
        return [this](auto const& got) { end(got); };
    }
    // Calls a function that starts operations, which may throw std::bad_alloc.
    void begin(auto const& what)
    {
        auto const before = started;
        try
        {
            what();
        }
        catch (std::bad_alloc const&)
        {
            start_failed = true;
            started = before;
        }
    }
    // The same for a coroutine. An exception means that there was no memory for a frame.
    void await(auto const& make)
    {
        spawned = true;
        begin(
            [&]
            {
                auto awaited = make();
                ++started;
                boost::asio::co_spawn(
                    context, std::move(awaited),
                    [this](std::exception_ptr const& failure, auto const& got)
                    {
                        if (failure)
                            outcomes.emplace_back(coauth::errc::out_of_memory);
                        else
                            end(got);
                    });
            });
    }

    template <class T>
    void end(coauth::result<T> const& got)
    {
        if (!got)
            return outcomes.emplace_back(got.error().value()), void();
        outcomes.emplace_back();
        if constexpr (!std::is_void_v<T>)
            wrong = wrong || !is_right(*got);
    }

    coauth::client_config config;
    boost::asio::io_context context;
    // No value: success.
    std::vector<std::optional<coauth::errc>> outcomes;
    std::size_t started = 0;
    // Started by Asio's `co_spawn`, which may lose the completion when it throws.
    bool spawned = false;
    bool wrong = false;
    // A function that starts an operation threw.
    bool start_failed = false;
    // Exceptions out of the event loop: Asio had no memory to call a handler.
    int loop_exceptions = 0;
};

// Starts operations. The result lives until they have completed.
using program = std::function<std::shared_ptr<void>(scan_run&)>;

inline void run(program const& what, scan_run& in)
{
    std::shared_ptr<void> kept_alive;
    {
        // Asio stops the loop when its last work is dropped, as in a start that failed.
        auto const more = boost::asio::make_work_guard(in.context);
        in.begin([&] { kept_alive = what(in); });
    }
    while (!in.context.stopped())
    {
        try
        {
            in.context.run_for(5s);
            break;
        }
        catch (std::bad_alloc const&)
        {
            ++in.loop_exceptions;
        }
    }
}

// Long programs are run for one failing allocation in `some`, short ones for each. Under
// AddressSanitizer each run takes ten times as long.
inline constexpr std::size_t some = address_sanitizer ? 25 : 5;
inline constexpr std::size_t every = address_sanitizer ? some : 1;

class scan
{
public:
    explicit scan(server_options chosen = options())
    {
        chosen.remembered_requests = 64;
        server_ = std::make_unique<authorization_server>(start(std::move(chosen)));
    }

    // `requests`: the number of requests of a run in which nothing fails, and the limit of the
    // others. `count`: the number of successive allocations that fail.
    void fail_each(
        program const& what, std::size_t requests, std::size_t step = every, std::size_t count = 1)
    {
        count_ = count;
        step = step == 1 ? 1 : std::max<std::size_t>(1, from_environment("COAUTH_SCAN_STEP", step));
        std::size_t n = step == 1 ? 1 : 1 + choose_seed() % step;
        // Makes the objects that a process makes once; `first_allocations` tests those.
        (void)fail(what, std::numeric_limits<std::size_t>::max(), requests);
        for (bool any = true; any; n += step)
        {
            BOOST_TEST_CONTEXT("allocation " << n)
            {
                any = fail(what, n, requests);
            }
        }
        std::cout << n - step << " allocations:";
        for (auto const& [outcome, times] : outcomes_)
            std::cout << ' ' << outcome << ' ' << times;
        std::cout << std::endl;
    }

    authorization_server& server() { return *server_; }

private:
    // Returns false if there were fewer allocations.
    bool fail(program const& what, std::size_t n, std::size_t requests)
    {
        auto config = server_->config();
        auto const path = "/" + std::to_string(n);
        config.server.token_endpoint = server_->issuer() + path;
        config.timeout = 1s;
        config.retry.max_attempts = 1;
        scan_run in(std::move(config));
        bool happened = false;
        {
            failing_allocation const failing(n, count_);
            run(what, in);
            happened = failing.happened();
        }
        BOOST_TEST(in.context.stopped(), "an operation still waits");
        auto const lost = static_cast<int>(in.started - in.outcomes.size());
        BOOST_TEST(
            (lost == 0 || (in.spawned && lost <= in.loop_exceptions)),
            lost << " of " << in.started << " lost, " << in.loop_exceptions
                 << " exceptions, start refused " << in.start_failed);
        BOOST_TEST(!in.wrong);
        BOOST_TEST((in.loop_exceptions <= 1 || count_ > 1));
        std::size_t received = 0;
        for (auto const& one : server_->requests())
            received += one.target == path ? 1U : 0U;
        // An idle connection that was lost is replaced.
        BOOST_TEST(received <= requests + 1);
        if (!happened)
            BOOST_TEST(received == requests);
        for (auto const& one : in.outcomes)
        {
            ++outcomes_[one ? to_string(*one) : "success"];
            // Whether the library, Asio or OpenSSL had no memory.
            if (happened)
                BOOST_TEST((!one || *one == coauth::errc::out_of_memory), to_string(*one));
        }
        if (!happened)
            BOOST_TEST(
                std::count(in.outcomes.begin(), in.outcomes.end(), std::nullopt) ==
                static_cast<std::ptrdiff_t>(in.started));
        outcomes_["refused"] += in.start_failed ? 1U : 0U;
        outcomes_["thrown"] += in.loop_exceptions != 0 ? 1U : 0U;
        return happened;
    }

    std::unique_ptr<authorization_server> server_;
    std::map<std::string_view, std::size_t> outcomes_;
    std::size_t count_ = 1;
};

inline std::shared_ptr<coauth::client> make_client(scan_run& in)
{
    return std::make_shared<coauth::client>(in.context.get_executor(), in.config);
}

// Begins one request, and runs the loop until it has ended.
inline void request_token(scan_run& in, coauth::client& client)
{
    in.begin([&] { client.async_get_access_token(coauth::token_request(), in.handler()); });
    in.context.restart();
    in.context.run_for(5s);
}

// The same while the n-th allocation fails. Returns whether there was one.
inline bool request_token_while_failing(scan_run& in, coauth::client& client, std::size_t n)
{
    failing_allocation const failing(n);
    try
    {
        request_token(in, client);
    }
    catch (std::bad_alloc const&)
    {
        in.context.restart();
        in.context.run_for(5s);
    }
    return failing.happened();
}

struct owner
{
    explicit owner(scan_run& in, coauth::token_source_options const& options = {})
        : client(in.context.get_executor(), in.config)
        , source(client, coauth::token_request(), options)
    {
    }
    coauth::client client;
    coauth::token_source source;
};

} // namespace test

#endif
