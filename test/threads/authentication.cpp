// Everything that is shared by the operations of a client that proves itself: the key, the signer,
// the DPoP prover with its nonces, the certificate that is replaced, the metadata that are kept.
// From a pool of threads, while all of it changes. Made to be run under ThreadSanitizer.

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

struct world
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
        coauth::testing::server_options chosen;
        chosen.clients = {client};
        chosen.dpop = coauth::testing::dpop::required;
        chosen.dpop_nonce = true;
        chosen.client_certificates = coauth::testing::client_certificates::requested;
        return chosen;
    }

    [[nodiscard]] coauth::client_config
    config(authorization_server const& server, asio::thread_pool& signs) const
    {
        auto made = server.config();
        made.authentication = coauth::client_authentication::private_key_jwt(
            id, coauth::signing_key::signer(
                    coauth::signature_algorithm::es256,
                    [this, &signs](
                        std::string input, std::function<void(coauth::result<std::string>)> done)
                    {
                        asio::post(
                            signs, [this, input = std::move(input), done = std::move(done)]
                            { done(assertion_key.sign("ES256", input)); });
                    }));
        made.dpop = std::make_shared<coauth::dpop_prover>(
            coauth::signing_key::pem(coauth::secret(proof_key.private_pem())));
        made.tls.certificate_file = certificate.path();
        // A kept connection keeps its certificate.
        made.connections.idle_timeout = 0ms;
        made.retry.max_attempts = 1;
        return test::with_log_scan(std::move(made));
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
    std::vector<std::thread> all;
    for (int i = 0; i < count; ++i)
        all.emplace_back([&f, i] { f(i); });
    for (auto& one : all)
        one.join();
}

} // namespace

BOOST_AUTO_TEST_CASE(authentication_from_many_threads)
{
    world const all;
    auto started = authorization_server::start(all.options());
    BOOST_REQUIRE(started);
    auto& server = *started;
    asio::thread_pool signs(1);
    asio::thread_pool pool(3);
    auto const config = all.config(server, signs);
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
                all.rotate(i / 10);
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
    bool both[] = {false, false};
    for (auto const& seen : server.requests())
    {
        both[0] = both[0] || seen.client_certificate_thumbprint == all.first.thumbprint;
        both[1] = both[1] || seen.client_certificate_thumbprint == all.second.thumbprint;
    }
    BOOST_TEST(both[0]);
    BOOST_TEST(both[1]);
    signs.join();
}

BOOST_AUTO_TEST_CASE(discovery_from_many_threads)
{
    world const all;
    auto const server = authorization_server::start(all.options());
    BOOST_REQUIRE(server);
    asio::thread_pool pool(2);
    std::atomic<int> found{0};
    auto const ask = [&](int thread)
    {
        coauth::discovery_options options;
        options.tls.ca_pem = server->ca_pem();
        for (int i = 0; i < 50; ++i)
        {
            options.lifetime = thread == 0 ? 0s : 3600s;
            auto got = coauth::async_discover(
                pool.get_executor(), server->issuer(), options, asio::use_future);
            if (got.get())
                ++found;
        }
    };
    on_threads(4, ask);
    pool.join();
    BOOST_TEST(found == 200);
    // Those who keep it ask once each at most.
    BOOST_TEST(server->requests().size() <= 53U);
}
