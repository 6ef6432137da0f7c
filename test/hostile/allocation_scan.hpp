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

// As in `token_body`, or one of the server's own.
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

// One run, and how it ends. Nothing here takes memory while memory fails.
struct scan_run
{
    explicit scan_run(coauth::client_config made) : config(std::move(made)) { ends.reserve(64); }

    auto handler()
    {
        ++begun;
        return [this](auto const& got) { end(got); };
    }
    // Calls a function that begins one operation.
    void begin(auto const& what)
    {
        auto const before = begun;
        try
        {
            what();
        }
        catch (std::bad_alloc const&)
        {
            refused = true;
            begun = before;
        }
    }
    // The same for a coroutine. Where it has no memory for its own frame, that is thrown in it.
    void await(auto const& make)
    {
        spawned = true;
        begin(
            [&]
            {
                auto awaited = make();
                ++begun;
                boost::asio::co_spawn(
                    context, std::move(awaited),
                    [this](std::exception_ptr const& failure, auto const& got)
                    {
                        if (failure)
                            ends.emplace_back(coauth::errc::out_of_memory);
                        else
                            end(got);
                    });
            });
    }

    template <class T>
    void end(coauth::result<T> const& got)
    {
        if (!got)
            return ends.emplace_back(got.error().value()), void();
        ends.emplace_back();
        if constexpr (!std::is_void_v<T>)
            wrong = wrong || !is_right(*got);
    }

    coauth::client_config config;
    boost::asio::io_context context;
    // None: success.
    std::vector<std::optional<coauth::errc>> ends;
    std::size_t begun = 0;
    // By Asio's `co_spawn`, which may lose its end with what it throws.
    bool spawned = false;
    bool wrong = false;
    // A function that begins something threw.
    bool refused = false;
    // Asio had no memory for what it was to call next, and let that out of its loop.
    int thrown = 0;
};

// What is begun, and lives as long as it runs.
using program = std::function<std::shared_ptr<void>(scan_run&)>;

inline void run(program const& what, scan_run& in)
{
    std::shared_ptr<void> held;
    {
        // Asio stops a loop when the last that it had to do is given up, as in what was refused.
        auto const more = boost::asio::make_work_guard(in.context);
        in.begin([&] { held = what(in); });
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
            ++in.thrown;
        }
    }
}

// A long program fails one allocation in `some`, a short one each. Under AddressSanitizer each run
// takes ten times as long.
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

    // `requests`: how many it makes where nothing fails, and more it makes never.
    // `count`: how many allocations fail, one after another.
    void fail_each(
        program const& what, std::size_t requests, std::size_t step = every, std::size_t count = 1)
    {
        count_ = count;
        step = step == 1 ? 1 : std::max<std::size_t>(1, from_environment("COAUTH_SCAN_STEP", step));
        std::size_t n = step == 1 ? 1 : 1 + choose_seed() % step;
        // What is made once for all is there then; `first_allocations` is about that.
        (void)fail(what, std::numeric_limits<std::size_t>::max(), requests);
        for (bool any = true; any; n += step)
        {
            BOOST_TEST_CONTEXT("allocation " << n)
            {
                any = fail(what, n, requests);
            }
        }
        std::cout << n - step << " allocations:";
        for (auto const& [how, times] : outcomes_)
            std::cout << ' ' << how << ' ' << times;
        std::cout << std::endl;
    }

    authorization_server& server() { return *server_; }

private:
    // Whether it came so far.
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
        BOOST_TEST(in.context.stopped(), "something still waits");
        auto const lost = static_cast<int>(in.begun - in.ends.size());
        BOOST_TEST(
            (lost == 0 || (in.spawned && lost <= in.thrown)),
            lost << " of " << in.begun << " lost, " << in.thrown << " thrown, refused "
                 << in.refused);
        BOOST_TEST(!in.wrong);
        BOOST_TEST((in.thrown <= 1 || count_ > 1));
        std::size_t received = 0;
        for (auto const& one : server_->requests())
            received += one.target == path ? 1U : 0U;
        // A kept connection that died of it is replaced.
        BOOST_TEST(received <= requests + 1);
        if (!happened)
            BOOST_TEST(received == requests);
        for (auto const& one : in.ends)
        {
            ++outcomes_[one ? to_string(*one) : "success"];
            // Whatever had no memory: we, Asio or OpenSSL.
            if (happened)
                BOOST_TEST((!one || *one == coauth::errc::out_of_memory), to_string(*one));
        }
        if (!happened)
            BOOST_TEST(
                std::count(in.ends.begin(), in.ends.end(), std::nullopt) ==
                static_cast<std::ptrdiff_t>(in.begun));
        outcomes_["refused"] += in.refused ? 1U : 0U;
        outcomes_["thrown"] += in.thrown != 0 ? 1U : 0U;
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
