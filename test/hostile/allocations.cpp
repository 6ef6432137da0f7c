// The n-th allocation fails, for every n of an operation: an operation that was started completes
// once, with the right result or a typed error; a start that fails throws std::bad_alloc.
//
// COAUTH_SCAN_STEP=1 visits every allocation of the long programs too; by default each run visits
// some of them, from a random start. COAUTH_SEED=n repeats an earlier run, which printed its seed.

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

BOOST_AUTO_TEST_SUITE(allocations)

using coauth::secret;
using coauth::token_request;

BOOST_AUTO_TEST_CASE(a_request_survives_each_failing_allocation)
{
    scan runs;
    runs.server().set_response(response::json(200, token_body));
    runs.fail_each(
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

// Memory fails only while the coroutine is suspended: Asio aborts if it has no memory to spawn or
// to destroy a coroutine.
asio::awaitable<void> await_while_failing(
    scan_run& in, coauth::client& client, std::size_t n, std::size_t count, bool& happened)
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
    happened = failing->happened();
    failing.reset();
    in.end(got);
}

constexpr std::size_t several[] = {3, 20, failing_allocation::all};

// Operations complete even if memory is short for long or for ever.
BOOST_AUTO_TEST_CASE(a_request_completes_once_while_several_allocations_fail)
{
    for (std::size_t const count : several)
        BOOST_TEST_CONTEXT(count << " fail")
        {
            scan runs;
            runs.server().set_response(response::json(200, token_body));
            runs.fail_each(request_once, 1, every, count);
        }
}

BOOST_AUTO_TEST_CASE(an_awaited_request_completes_once_while_several_allocations_fail)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    for (std::size_t const count : several)
    {
        bool happened = true;
        std::size_t n = 1;
        for (; happened; n += every)
            BOOST_TEST_CONTEXT(count << " fail, allocation " << n)
            {
                scan_run in(server.config());
                in.config.timeout = 1s;
                auto const client = make_client(in);
                asio::co_spawn(
                    in.context, await_while_failing(in, *client, n, count, happened),
                    asio::detached);
                int thrown = 0;
                for (; !in.context.stopped() && thrown < 1000; ++thrown)
                    try
                    {
                        in.context.run_for(5s);
                    }
                    catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): run again
                    {
                    }
                BOOST_TEST(in.context.stopped());
                BOOST_TEST(in.outcomes.size() == 1U);
                BOOST_TEST(!in.wrong);
            }
        std::cout << n - every << " starts" << std::endl;
    }
}

// Another thread closes the client during each allocation of its operations.
BOOST_AUTO_TEST_CASE(a_close_during_each_allocation_completes_every_operation)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    bool happened = true;
    for (std::size_t n = 1; happened; n += every)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            auto config = server.config();
            config.connections.max_connections = 1;
            config.timeout = 5s;
            scan_run in(std::move(config));
            auto const client = make_client(in);
            std::thread closer;
            {
                allocation_hook const hook(
                    n,
                    [&]
                    {
                        auto const closed = std::make_shared<std::atomic<bool>>(false);
                        closer = std::thread(
                            [closed, client]
                            {
                                client->close();
                                *closed = true;
                            });
                        // With a limit, since this thread may hold a lock that the other needs.
                        for (int i = 0; i < 20 && !*closed; ++i)
                            std::this_thread::sleep_for(100us);
                    });
                for (int i = 0; i < 4; ++i)
                    in.begin([&]
                             { client->async_get_access_token(token_request(), in.handler()); });
                in.context.run_for(10s);
                happened = hook.happened();
            }
            if (closer.joinable())
                closer.join();
            BOOST_TEST(in.context.stopped());
            BOOST_TEST(in.outcomes.size() == 4U);
            for (auto const& outcome : in.outcomes)
                BOOST_TEST((!outcome || *outcome == coauth::errc::cancelled));
        }
}

// A full handshake verifies the server's certificate; a resumed session does not.
BOOST_AUTO_TEST_CASE(a_full_handshake_survives_each_failing_allocation)
{
    for (int const version : {0x0303, 0x0304})
        BOOST_TEST_CONTEXT("TLS version " << version)
        {
            auto settings = options();
            settings.min_tls_version = settings.max_tls_version = version;
            scan runs(std::move(settings));
            runs.server().set_response(response::json(200, token_body));
            runs.fail_each(
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

// A new connection replaces one that was idle for too long: whatever fails, the pool keeps its
// capacity.
BOOST_AUTO_TEST_CASE(the_replacement_of_an_idle_connection_survives_each_failing_allocation)
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    bool happened = true;
    for (std::size_t n = 1 + choose_seed() % some; happened; n += some)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            auto config = server.config();
            config.connections.max_connections = 1;
            config.connections.idle_timeout = 1ms;
            config.retry.max_attempts = 1;
            config.timeout = 2s;
            scan_run in(std::move(config));
            auto const client = make_client(in);
            request_token(in, *client);
            std::this_thread::sleep_for(3ms);
            happened = request_token_while_failing(in, *client, n);
            request_token(in, *client);
            BOOST_TEST_REQUIRE(!in.outcomes.empty());
            BOOST_TEST(!in.outcomes.back());
            BOOST_TEST(client->counters().open <= 1U);
        }
}

// The request is sent again over a second connection because the first one is silent.
BOOST_AUTO_TEST_CASE(a_hedged_request_survives_each_failing_allocation)
{
    auto server = start();
    constexpr std::size_t step = 25;
    bool happened = true;
    for (std::size_t n = 1 + choose_seed() % step; happened; n += step)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            auto config = server.config();
            config.connections.hedging_delay = 10ms;
            config.retry.max_attempts = 1;
            config.timeout = 300ms;
            scan_run in(std::move(config));
            auto const client = make_client(in);
            server.clear_responses();
            server.set_response(response::json(200, token_body));
            request_token(in, *client);
            auto delayed = response::json(200, token_body);
            delayed.delay = 20s;
            server.push_response(delayed);
            happened = request_token_while_failing(in, *client, n);
            BOOST_TEST(in.context.stopped());
            BOOST_TEST(in.outcomes.size() == in.started);
            BOOST_TEST(client->counters().open <= 1U);
        }
}

// Several requests wait for one connection.
BOOST_AUTO_TEST_CASE(queued_requests_survive_each_failing_allocation)
{
    scan runs;
    runs.server().set_response(response::json(200, token_body));
    runs.fail_each(
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

BOOST_AUTO_TEST_CASE(awaited_requests_survive_each_failing_allocation)
{
    scan runs;
    runs.server().set_response(response::json(200, token_body));
    runs.fail_each(
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

// OpenSSL 3.0 reports success when it had no memory to sign, with no size or a size of -1.
BOOST_AUTO_TEST_CASE(a_signature_is_complete_or_fails_with_each_failing_allocation)
{
    test_key const key("P-256");
    coauth::assertion_claims claims;
    claims.issuer = "robot";
    claims.audience = "https://auth.example.com/token";
    auto const sign = coauth::jwt_assertion(signing_key_of(key), claims);
    auto const whole = sign()->size();
    bool happened = true;
    for (std::size_t n = 1; happened; ++n)
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
                happened = failing.happened();
            }
            BOOST_TEST((happened || (got && *got)));
            if (got && *got)
                BOOST_TEST((*got)->size() == whole);
        }
}

// A nonce that could not be stored must not evict another one later.
BOOST_AUTO_TEST_CASE(a_nonce_that_could_not_be_stored_evicts_no_other)
{
    test_key const key("P-256");
    auto const signing = signing_key_of(key);
    std::string const url = "https://resource.example.com/";
    coauth::access_token_info info;
    info.value = "token";
    coauth::access_token const token(std::move(info));
    bool happened = true;
    for (std::size_t n = 1; happened; ++n)
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            coauth::dpop_prover prover(signing);
            {
                failing_allocation const failing(n);
                try
                {
                    prover.remember_nonce(url, "lost");
                }
                catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): as documented
                {
                }
                happened = failing.happened();
            }
            prover.remember_nonce(url, "kept");
            auto const before = prover.proof_for("POST", url, token).value().size();
            // As many nonces as the prover stores.
            for (int other = 1; other < 1000; ++other)
                prover.remember_nonce("https://" + std::to_string(other) + ".example.com/", "n");
            BOOST_TEST(prover.proof_for("POST", url, token).value().size() == before);
        }
}

BOOST_AUTO_TEST_CASE(requests_with_dpop_proofs_survive_each_failing_allocation)
{
    test_key const key("P-256");
    auto settings = options_with_client(key);
    settings.dpop = coauth::testing::dpop::required;
    settings.dpop_nonce = true;
    scan runs(settings);
    auto const signing = signing_key_of(key);
    runs.fail_each(
        [&](scan_run& in)
        {
            auto& server = runs.server();
            in.config.server.token_endpoint = server.token_endpoint();
            in.config.authentication =
                coauth::client_authentication::private_key_jwt(other_id, signing);
            in.config.dpop = std::make_shared<coauth::dpop_prover>(signing);
            auto client = make_client(in);
            in.begin([&] { client->async_get_access_token(token_request(), in.handler()); });
            return client;
        },
        0, some);
}

BOOST_AUTO_TEST_CASE(proofs_of_a_signer_function_survive_each_failing_allocation)
{
    test_key const key("P-256");
    coauth::access_token_info info;
    info.value = "t";
    coauth::access_token const token(info);
    auto const prover =
        elsewhere(key, [](auto const&, auto const& done) { done(std::string(64, 'x')); });
    scan runs;
    runs.fail_each(
        [&](scan_run& in)
        {
            in.begin(
                [&]
                {
                    coauth::async_dpop_proof(
                        in.context.get_executor(), prover, "GET", "https://api.example/", token,
                        in.handler());
                });
            return prover;
        },
        0, some);
}

BOOST_AUTO_TEST_CASE(introspection_and_revocation_survive_each_failing_allocation)
{
    scan runs;
    auto known = response::json(200, R"({"active":true,"scope":"read"})");
    known.path = "/oauth/introspect";
    runs.server().set_response(known);
    runs.fail_each(
        [](scan_run& in)
        {
            auto client = make_client(in);
            in.begin([&] { client->async_introspect(secret("t"), {}, in.handler()); });
            in.begin([&] { client->async_revoke(secret("t"), {}, in.handler()); });
            return client;
        },
        0, some);
}

BOOST_AUTO_TEST_CASE(introspection_with_fetched_keys_survives_each_failing_allocation)
{
    scan runs;
    auto const token = require_token(fetch(runs.server().config()));
    runs.fail_each(
        [&](scan_run& in)
        {
            in.config.signed_introspection.fetch_jwks = true;
            auto client = make_client(in);
            in.begin([&] { client->async_introspect(secret(token.value()), {}, in.handler()); });
            return client;
        },
        0, some);
}

BOOST_AUTO_TEST_CASE(discovery_survives_each_failing_allocation)
{
    scan runs;
    runs.fail_each(
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

BOOST_AUTO_TEST_CASE(discovery_of_a_resource_survives_each_failing_allocation)
{
    scan runs;
    runs.fail_each(
        [](scan_run& in)
        {
            coauth::resource_discovery_options options;
            options.discovery.tls = in.config.tls;
            options.discovery.lifetime = 0s;
            options.discovery.timeout = 1s;
            in.spawned = true;
            in.begin(
                [&]
                {
                    coauth::async_discover_resource(
                        in.context.get_executor(), in.config.server.issuer + "/api", options,
                        in.handler());
                });
            return std::shared_ptr<void>();
        },
        0, some);
}

BOOST_AUTO_TEST_SUITE_END()
