// The n-th allocation fails, for every n of an operation's life: what was begun ends once, with the
// right response or a typed error, and what could not be begun says so by `std::bad_alloc`.
//
// COAUTH_SCAN_STEP=1 visits every allocation also of the long programs; by default each run of this
// visits some, from a random start. COAUTH_SEED=n begins where an earlier run began, which printed
// it.

#include "allocation_scan.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <new>
#include <optional>
#include <thread>

using namespace test;
namespace asio = boost::asio;
using coauth::secret;
using coauth::token_request;

BOOST_AUTO_TEST_SUITE(allocations)

BOOST_AUTO_TEST_CASE(of_a_request)
{
    scan one;
    one.server().set_response(response::json(200, token_body));
    one.fail_each(
        [](scan_run& in)
        {
            auto client = make_client(in);
            in.begin([&] { client->async_get_access_token(token_request(), in.handler()); });
            return client;
        },
        1);
}

std::shared_ptr<void> request_once(scan_run& in)
{
    auto client = make_client(in);
    in.begin([&] { client->async_get_access_token(token_request(), in.handler()); });
    return client;
}

// From when it awaits until it goes on: Asio aborts where it has no memory to spawn or to drop a
// coroutine.
asio::awaitable<void> await_while_failing(
    scan_run& in, coauth::client& client, std::size_t n, std::size_t count, bool& any)
{
    token_result got = coauth::error(coauth::errc::out_of_memory);
    std::optional<failing_allocation> failing(std::in_place, n, count);
    try
    {
        got = co_await client.async_get_access_token();
    }
    catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): as documented
    {
    }
    any = failing->happened();
    failing.reset();
    in.end(got);
}

constexpr std::size_t several[] = {3, 20, failing_allocation::all};

// Memory that comes back too late, or never: what was begun ends all the same.
BOOST_AUTO_TEST_CASE(of_a_request_while_several_fail)
{
    for (std::size_t const count : several)
        BOOST_TEST_CONTEXT(count << " fail")
        {
            scan one;
            one.server().set_response(response::json(200, token_body));
            one.fail_each(request_once, 1, every, count);
        }
}

BOOST_AUTO_TEST_CASE(of_an_awaited_request_while_several_fail)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    for (std::size_t const count : several)
    {
        bool any = true;
        std::size_t n = 1;
        for (; any; n += every)
            BOOST_TEST_CONTEXT(count << " fail, allocation " << n)
            {
                scan_run in(server.config());
                in.config.timeout = 1s;
                auto const client = make_client(in);
                asio::co_spawn(
                    in.context, await_while_failing(in, *client, n, count, any), asio::detached);
                int thrown = 0;
                for (; !in.context.stopped() && thrown < 1000; ++thrown)
                    try
                    {
                        in.context.run_for(5s);
                    }
                    catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): and again
                    {
                    }
                BOOST_TEST(in.context.stopped());
                BOOST_TEST(in.ends.size() == 1U);
                BOOST_TEST(!in.wrong);
            }
        std::cout << n - every << " starts" << std::endl;
    }
}

// Another thread ends the operations in the midst of each step of theirs.
BOOST_AUTO_TEST_CASE(a_close_during_each_allocation)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    bool any = true;
    for (std::size_t n = 1; any; n += every)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            auto config = server.config();
            config.connections.max_connections = 1;
            config.timeout = 5s;
            scan_run in(std::move(config));
            auto const client = make_client(in);
            std::thread closing;
            {
                allocation_hook const hook(
                    n,
                    [&]
                    {
                        auto const closed = std::make_shared<std::atomic<bool>>(false);
                        closing = std::thread(
                            [closed, client]
                            {
                                client->close();
                                *closed = true;
                            });
                        // Not for ever: a lock may be held here that it needs.
                        for (int i = 0; i < 20 && !*closed; ++i)
                            std::this_thread::sleep_for(100us);
                    });
                for (int i = 0; i < 4; ++i)
                    in.begin([&]
                             { client->async_get_access_token(token_request(), in.handler()); });
                in.context.run_for(10s);
                any = hook.happened();
            }
            if (closing.joinable())
                closing.join();
            BOOST_TEST(in.context.stopped());
            BOOST_TEST(in.ends.size() == 4U);
            for (auto const& one : in.ends)
                BOOST_TEST((!one || *one == coauth::errc::cancelled));
        }
}

// With the server's certificate, which a resumed session does without.
BOOST_AUTO_TEST_CASE(of_a_whole_handshake)
{
    for (int const version : {0x0303, 0x0304})
        BOOST_TEST_CONTEXT("TLS version " << version)
        {
            auto chosen = options();
            chosen.min_tls_version = chosen.max_tls_version = version;
            scan one(std::move(chosen));
            one.server().set_response(response::json(200, token_body));
            one.fail_each(
                [](scan_run& in)
                {
                    in.config.tls.session_resumption = false;
                    auto client = make_client(in);
                    in.begin([&]
                             { client->async_get_access_token(token_request(), in.handler()); });
                    return client;
                },
                1, 4 * some);
        }
}

// A new connection takes the place of one that is idle too long: whatever fails then, the place is
// not lost.
BOOST_AUTO_TEST_CASE(of_a_request_that_takes_the_place_of_an_idle_connection)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    bool any = true;
    for (std::size_t n = 1 + choose_seed() % some; any; n += some)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            auto config = server.config();
            config.connections.max_connections = 1;
            config.connections.idle_timeout = 1ms;
            config.retry.max_attempts = 1;
            config.timeout = 2s;
            scan_run in(std::move(config));
            auto const client = make_client(in);
            auto const request = [&]
            {
                in.begin([&] { client->async_get_access_token(token_request(), in.handler()); });
                in.context.restart();
                in.context.run_for(5s);
            };
            request();
            std::this_thread::sleep_for(3ms);
            {
                failing_allocation const failing(n);
                try
                {
                    request();
                }
                catch (std::bad_alloc const&)
                {
                    in.context.restart();
                    in.context.run_for(5s);
                }
                any = failing.happened();
            }
            request();
            BOOST_TEST_REQUIRE(!in.ends.empty());
            BOOST_TEST(!in.ends.back());
            BOOST_TEST(client->counters().open <= 1U);
        }
}

// A second exchange beside a silent one.
BOOST_AUTO_TEST_CASE(of_a_hedged_request)
{
    auto server = start();
    constexpr std::size_t step = 25;
    bool any = true;
    for (std::size_t n = 1 + choose_seed() % step; any; n += step)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            auto config = server.config();
            config.connections.hedging_delay = 10ms;
            config.retry.max_attempts = 1;
            config.timeout = 300ms;
            scan_run in(std::move(config));
            auto const client = make_client(in);
            auto const request = [&]
            {
                in.begin([&] { client->async_get_access_token(token_request(), in.handler()); });
                in.context.restart();
                in.context.run_for(5s);
            };
            server.clear_responses();
            server.set_response(response::json(200, token_body));
            request();
            auto late = response::json(200, token_body);
            late.delay = 20s;
            server.push_response(late);
            {
                failing_allocation const failing(n);
                try
                {
                    request();
                }
                catch (std::bad_alloc const&)
                {
                    in.context.restart();
                    in.context.run_for(5s);
                }
                any = failing.happened();
            }
            BOOST_TEST(in.context.stopped());
            BOOST_TEST(in.ends.size() == in.begun);
            BOOST_TEST(client->counters().open <= 1U);
        }
}

// Several that wait in line for one connection.
BOOST_AUTO_TEST_CASE(of_requests_in_line)
{
    scan one;
    one.server().set_response(response::json(200, token_body));
    one.fail_each(
        [](scan_run& in)
        {
            in.config.connections.max_connections = 1;
            auto client = make_client(in);
            for (int i = 0; i < 3; ++i)
                in.begin([&] { client->async_get_access_token(token_request(), in.handler()); });
            return client;
        },
        3, some);
}

BOOST_AUTO_TEST_CASE(of_a_token_source)
{
    scan one;
    one.server().set_response(response::json(200, token_body));
    one.fail_each(
        [](scan_run& in)
        {
            auto held = std::make_shared<owner>(in);
            auto const again = [weak = std::weak_ptr(held), &in](token_result const& first)
            {
                auto const owner = weak.lock();
                if (owner && first)
                    owner->source.invalidate(*first);
                in.end(first);
                if (owner)
                    in.begin([&] { owner->source.async_get_access_token(in.handler()); });
            };
            in.begin(
                [&]
                {
                    ++in.begun;
                    held->source.async_get_access_token(again);
                });
            in.begin([&] { held->source.async_get_access_token(in.handler()); });
            return held;
        },
        2);
}

// Its token is due at once: one is renewed in the background, one by force, one is awaited with a
// time limit; then it is closed.
BOOST_AUTO_TEST_CASE(of_a_token_source_to_its_end)
{
    scan one;
    one.server().set_response(response::json(200, token_body));
    one.fail_each(
        [](scan_run& in)
        {
            coauth::token_source_options options;
            options.refresh_at = 1e-6;
            options.refresh_jitter = 0;
            options.min_refresh_interval = 0ms;
            auto held = std::make_shared<owner>(in, options);
            auto const renew = [weak = std::weak_ptr(held), &in](token_result const& first)
            {
                in.end(first);
                auto const owner = weak.lock();
                if (!owner)
                    return;
                std::this_thread::sleep_for(5ms);
                in.begin([&] { owner->source.async_get_access_token(in.handler()); });
                in.await([&] { return owner->source.async_get_access_token(1s); });
                in.await([&] { return owner->source.async_get_new_access_token(); });
            };
            in.begin(
                [&]
                {
                    ++in.begun;
                    held->source.async_get_access_token(1s, renew);
                });
            return held;
        },
        2, some);
}

BOOST_AUTO_TEST_CASE(of_awaited_requests)
{
    scan one;
    one.server().set_response(response::json(200, token_body));
    one.fail_each(
        [](scan_run& in)
        {
            auto client = make_client(in);
            in.await([&] { return client->async_get_access_token(); });
            in.await(
                [&]
                { return coauth::async_get_access_token(in.context.get_executor(), in.config); });
            return client;
        },
        2, some);
}

// OpenSSL 3.0 says that it signed where it had no memory for that, and gives no size or one of -1.
BOOST_AUTO_TEST_CASE(of_a_signature)
{
    test_key const key("P-256");
    coauth::assertion_claims claims;
    claims.issuer = "robot";
    claims.audience = "https://auth.example.com/token";
    auto const sign = coauth::jwt_assertion(signing_key_of(key), claims);
    auto const whole = sign()->size();
    bool any = true;
    for (std::size_t n = 1; any; ++n)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            std::optional<coauth::result<secret>> got;
            {
                failing_allocation const failing(n);
                try
                {
                    got = sign();
                }
                catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): as documented
                {
                }
                any = failing.happened();
            }
            BOOST_TEST((any || (got && *got)));
            if (got && *got)
                BOOST_TEST((*got)->size() == whole);
        }
}

// One that could not be kept leaves nothing behind that takes another's place later.
BOOST_AUTO_TEST_CASE(of_nonces_that_are_kept)
{
    test_key const key("P-256");
    auto const given = signing_key_of(key);
    std::string const url = "https://resource.example.com/";
    coauth::access_token_info info;
    info.value = "token";
    coauth::access_token const token(std::move(info));
    bool any = true;
    for (std::size_t n = 1; any; ++n)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            coauth::dpop_prover prover(given);
            {
                failing_allocation const failing(n);
                try
                {
                    prover.remember_nonce(url, "lost");
                }
                catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): as documented
                {
                }
                any = failing.happened();
            }
            prover.remember_nonce(url, "kept");
            auto const before = prover.proof_for("POST", url, token).value().size();
            // With it as many as are kept.
            for (int other = 1; other < 1000; ++other)
                prover.remember_nonce("https://" + std::to_string(other) + ".example.com/", "n");
            BOOST_TEST(prover.proof_for("POST", url, token).value().size() == before);
        }
}

BOOST_AUTO_TEST_CASE(of_requests_with_proofs)
{
    test_key const key("P-256");
    auto chosen = knowing(key);
    chosen.dpop = coauth::testing::dpop::required;
    chosen.dpop_nonce = true;
    scan one(chosen);
    auto const given = signing_key_of(key);
    one.fail_each(
        [&](scan_run& in)
        {
            auto& server = one.server();
            in.config.server.token_endpoint = server.token_endpoint();
            in.config.authentication =
                coauth::client_authentication::private_key_jwt(other_id, given);
            in.config.dpop = std::make_shared<coauth::dpop_prover>(given);
            auto client = make_client(in);
            in.begin([&] { client->async_get_access_token(token_request(), in.handler()); });
            return client;
        },
        0, some);
}

BOOST_AUTO_TEST_CASE(of_questions_about_tokens)
{
    scan one;
    auto known = response::json(200, R"({"active":true,"scope":"read"})");
    known.path = "/oauth/introspect";
    one.server().set_response(known);
    one.fail_each(
        [](scan_run& in)
        {
            auto client = make_client(in);
            in.begin([&] { client->async_introspect(secret("t"), {}, in.handler()); });
            in.begin([&] { client->async_revoke(secret("t"), {}, in.handler()); });
            return client;
        },
        0, some);
}

BOOST_AUTO_TEST_CASE(of_discovery)
{
    scan one;
    one.fail_each(
        [](scan_run& in)
        {
            coauth::discovery_options options;
            options.tls = in.config.tls;
            options.lifetime = 0s;
            options.timeout = 1s;
            in.spawned = true;
            in.begin(
                [&]
                {
                    coauth::async_discover(
                        in.context.get_executor(), in.config.server.issuer, options, in.handler());
                });
            return std::shared_ptr<void>();
        },
        0, some);
}

BOOST_AUTO_TEST_CASE(of_a_cache_of_token_sources)
{
    scan one;
    one.server().set_response(response::json(200, token_body));
    struct owner_of_many
    {
        explicit owner_of_many(scan_run& in) : client(in.context.get_executor(), in.config) {}
        coauth::client client;
        coauth::token_cache cache;
        std::vector<std::shared_ptr<coauth::token_source>> kept;
    };
    one.fail_each(
        [](scan_run& in)
        {
            auto held = std::make_shared<owner_of_many>(in);
            for (char const* const scope : {"read", "write", "read"})
                in.begin(
                    [&]
                    {
                        held->kept.push_back(
                            held->cache.get(held->client, token_request().scope(scope)));
                        held->kept.back()->async_get_access_token(in.handler());
                    });
            return held;
        },
        2, some);
}

BOOST_AUTO_TEST_SUITE_END()
