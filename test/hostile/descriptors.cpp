// No descriptor is available: every operation fails with a suitable error, and once descriptors are
// available again the same process gets its token.

#include "fixture.hpp"
#include "scratch_file.hpp"
#include "server_process.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace test;
namespace asio = boost::asio;

namespace
{

// UndefinedBehaviorSanitizer needs a descriptor to read an object's type.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool descriptors_can_be_exhausted = false;
#elif defined(__has_feature)
constexpr bool descriptors_can_be_exhausted = !__has_feature(undefined_behavior_sanitizer);
#else
constexpr bool descriptors_can_be_exhausted = true;
#endif

authorization_server make_server()
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    return server;
}

// While it lives, no descriptor can be opened.
class no_descriptors
{
public:
    no_descriptors()
    {
        (void)::getrlimit(RLIMIT_NOFILE, &before_);
        int const next = ::open("/dev/null", O_RDONLY);
        (void)::close(next);
        auto now = before_;
        now.rlim_cur = static_cast<rlim_t>(next);
        (void)::setrlimit(RLIMIT_NOFILE, &now);
        // Uses the free numbers below the limit.
        for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY)) >= 0;)
            filled_.push_back(fd);
    }
    ~no_descriptors()
    {
        for (int const fd : filled_)
            (void)::close(fd);
        (void)::setrlimit(RLIMIT_NOFILE, &before_);
    }
    no_descriptors(no_descriptors const&) = delete;
    no_descriptors& operator=(no_descriptors const&) = delete;

private:
    rlimit before_{};
    std::vector<int> filled_;
};

coauth::client_config config_of(server_process const& server, std::string const& host)
{
    auto config = server.config(host);
    config.authentication = coauth::client_authentication::client_secret_basic(
        client_id, coauth::secret(client_secret));
    config.timeout = 5s;
    config.retry.max_attempts = 1;
    return config;
}

token_result fetch_with(asio::io_context& context, coauth::client& client)
{
    std::vector<token_result> got;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
    context.restart();
    context.run();
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    return got.front();
}

// A request fails as expected without descriptors and succeeds with them: with the same client if
// it was made before, else with a new one.
void check(coauth::client_config const& config, char const* expected, bool reuse_client)
{
    asio::io_context context;
    // Asio opens the descriptors of its event loop with the first socket.
    asio::ip::tcp::socket const first(context, asio::ip::tcp::v4());
    std::optional<coauth::client> client;
    if (reuse_client)
        client.emplace(context.get_executor(), config);
    {
        no_descriptors const none;
        if (!reuse_client)
            client.emplace(context.get_executor(), config);
        auto const got = fetch_with(context, *client);
        BOOST_TEST(outcome(got) == expected);
        check_no_secret(got);
    }
    if (!reuse_client)
        client.emplace(context.get_executor(), config);
    BOOST_TEST(outcome(fetch_with(context, *client)) == "success");
}

} // namespace

BOOST_AUTO_TEST_SUITE(descriptors, *boost::unit_test::enable_if<descriptors_can_be_exhausted>())

// The first case, since a process loads the system's certificates once.
BOOST_AUTO_TEST_CASE(the_systems_certificates_are_loaded_once_descriptors_are_available)
{
    server_process const server(make_server);
    scratch_file const system("descriptors_system", server.ca_pem());
    ::setenv("SSL_CERT_FILE", system.path().c_str(), 1);
    auto config = config_of(server, "127.0.0.1");
    config.tls.ca_pem.clear();
    check(config, "invalid_configuration", false);
    ::unsetenv("SSL_CERT_FILE");
}

BOOST_AUTO_TEST_CASE(a_ca_file_is_loaded_once_descriptors_are_available)
{
    server_process const server(make_server);
    scratch_file const ca("descriptors_ca", server.ca_pem());
    auto config = config_of(server, "127.0.0.1");
    config.tls.ca_pem.clear();
    config.tls.ca_file = ca.path();
    check(config, "invalid_configuration", false);
}

BOOST_AUTO_TEST_CASE(a_client_connects_once_descriptors_are_available)
{
    server_process const server(make_server);
    check(config_of(server, "127.0.0.1"), "connect_failed", true);
}

BOOST_AUTO_TEST_CASE(a_client_resolves_names_once_descriptors_are_available)
{
    server_process const server(make_server);
    check(config_of(server, "localhost"), "resolve_failed", true);
}

BOOST_AUTO_TEST_SUITE_END()
