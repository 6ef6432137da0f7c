// The objects that operations of an authenticating client share: key, signer, DPoP prover with its
// nonces, a certificate file that is replaced, cached metadata. A pool of threads uses them while
// they change. Intended for ThreadSanitizer.

#include <coauth/coauth.hpp>
#include <coauth/testing/authorization_server.hpp>

#include "fixture.hpp"
#include "scratch_file.hpp"
#include "test_keys.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace test;
using coauth::testing::authorization_server;

namespace
{

constexpr char const* id = "threads";

struct authentication_fixture
{
    test_key const assertion_key{"P-256"};
    test_key const proof_key{"Ed25519"};
    identity const first = make_identity("client");
    identity const second = make_identity("client");
    scratch_file const certificate{
        "threads-certificate", first.certificate_pem + first.key.private_pem()};

    [[nodiscard]] coauth::testing::server_options options() const
    {
        coauth::testing::registered_client client;
        client.id = id;
        client.public_keys = {assertion_key.public_pem()};
        coauth::testing::server_options options;
        options.clients = {client};
        options.dpop = coauth::testing::dpop::required;
        options.dpop_nonce = true;
        options.client_certificates = coauth::testing::client_certificates::requested;
        return options;
    }

    [[nodiscard]] coauth::client_config
    config(authorization_server const& server, asio::thread_pool& signs) const
    {
        auto config = server.config();
        config.authentication = coauth::client_authentication::private_key_jwt(
            id, coauth::signing_key::signer(
                    coauth::signature_algorithm::es256,
                    [this, &signs](
                        std::string input, std::function<void(coauth::result<std::string>)> done)
                    {
                        asio::post(
                            signs, [this, input = std::move(input), done = std::move(done)]
                            { done(assertion_key.sign("ES256", input)); });
                    }));
        config.dpop = std::make_shared<coauth::dpop_prover>(
            coauth::signing_key::pem(coauth::secret(proof_key.private_pem())));
        config.tls.certificate_file = certificate.path();
        // A new connection for each request, since a connection keeps its certificate.
        config.connections.idle_timeout = 0ms;
        config.retry.max_attempts = 1;
        return test::with_log_scan(std::move(config));
    }

    void rotate(int round) const
    {
        auto const& next = round % 2 == 0 ? second : first;
        certificate.write(next.certificate_pem + next.key.private_pem());
    }
};

template <class F>
void on_threads(int count, F const& f)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&f, i] { f(i); });
    for (auto& thread : threads)
        thread.join();
}

} // namespace

BOOST_AUTO_TEST_CASE(key_signer_prover_and_certificate_are_shared_by_many_threads)
{
    authentication_fixture const fixture;
    auto started = authorization_server::start(fixture.options());
    BOOST_REQUIRE(started);
    auto& server = *started;
    asio::thread_pool signs(1);
    asio::thread_pool pool(3);
    auto const config = fixture.config(server, signs);
    coauth::client client(pool.get_executor(), config);
    std::atomic<int> tokens{0};
    std::atomic<int> stale{0};
    std::atomic<int> others{0};
    auto const fetch = [&](int thread)
    {
        for (int i = 0; i < 100; ++i)
        {
            auto const got =
                client.async_get_access_token(coauth::token_request(), asio::use_future).get();
            if (got)
                ++tokens;
            else
                ++(got.error() == coauth::errc::use_dpop_nonce ? stale : others);
            if (got && !config.dpop->proof_for("GET", "https://api.example/", *got))
                ++others;
            if (thread == 0 && i % 10 == 0)
                fixture.rotate(i / 10);
            if (thread == 1 && i % 20 == 0)
                server.rotate_dpop_nonce();
        }
    };
    on_threads(4, fetch);
    pool.join();
    BOOST_TEST(others == 0);
    // A nonce may change twice within one operation.
    BOOST_TEST(tokens + stale == 400);
    BOOST_TEST(tokens >= 300);
    bool both_seen[] = {false, false};
    for (auto const& seen : server.requests())
    {
        both_seen[0] =
            both_seen[0] || seen.client_certificate_thumbprint == fixture.first.thumbprint;
        both_seen[1] =
            both_seen[1] || seen.client_certificate_thumbprint == fixture.second.thumbprint;
    }
    BOOST_TEST(both_seen[0]);
    BOOST_TEST(both_seen[1]);
    signs.join();
}

BOOST_AUTO_TEST_CASE(many_threads_may_discover_the_same_server)
{
    authentication_fixture const fixture;
    auto const server = authorization_server::start(fixture.options());
    BOOST_REQUIRE(server);
    asio::thread_pool pool(2);
    std::atomic<int> metadata_found{0};
    auto const discover = [&](int thread)
    {
        coauth::discovery_options options;
        options.tls.ca_pem = server->ca_pem();
        for (int i = 0; i < 50; ++i)
        {
            options.lifetime = thread == 0 ? 0s : 3600s;
            auto got = coauth::async_discover(
                pool.get_executor(), server->issuer(), options, asio::use_future);
            if (got.get())
                ++metadata_found;
        }
    };
    on_threads(4, discover);
    pool.join();
    BOOST_TEST(metadata_found == 200);
    // One thread does not cache; the others send at most one request each.
    BOOST_TEST(server->requests().size() <= 53U);
}
