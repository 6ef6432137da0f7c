// One allocation fails while a process makes its first request, with a new process for each: it
// must not spoil objects that the process makes once, so that the next requests succeed.
//
// OpenSSL is initialized before: a failure while it makes its own objects spoils them for the whole
// process or ends it.
//
// COAUTH_SCAN_STEP=1 visits every allocation; by default each run visits some of them, from a
// random start. COAUTH_SEED=n repeats an earlier run, which printed its seed.

#include "failing_memory.hpp"
#include "fixture.hpp"
#include "random_seed.hpp"
#include "sanitizers.hpp"
#include "server_process.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(first_allocations)

namespace
{

// Visit every allocation up to `dense_part`, which includes the TLS engine's, then one in `some`.
// Under AddressSanitizer each process takes ten times as long.
constexpr std::size_t some = address_sanitizer ? 50 : 25;
constexpr std::size_t dense_part = address_sanitizer ? 0 : 250;

authorization_server make_server()
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    return server;
}

// A client that makes a new connection for each request.
struct owner
{
    explicit owner(server_process const& server) : client(context.get_executor(), config(server)) {}

    static coauth::client_config config(server_process const& server)
    {
        auto config = server.config();
        config.authentication = coauth::client_authentication::client_secret_basic(
            client_id, coauth::secret(client_secret));
        config.retry.max_attempts = 1;
        config.connections.idle_timeout = 0s;
        return config;
    }

    // Writes the outcome into `end`, which has enough capacity.
    void request(std::string& end)
    {
        client.async_get_access_token(
            coauth::token_request(), [&](token_result const& got)
            { end = got ? "success" : to_string(got.error().value()); });
        context.restart();
        context.run();
    }

    asio::io_context context;
    coauth::client client;
};

// Bits of a process's exit status.
enum status_bits : unsigned
{
    failure_reached = 1,
    first_is_right = 2,
    others_succeed = 4,
    sessions_resume = 8,
    crashed = 16,
};

// Makes the first request of the client, and the client itself if there is none.
void make_first_request(
    server_process const& server, std::unique_ptr<owner>& with, std::string& end)
{
    try
    {
        if (!with)
            with = std::make_unique<owner>(server);
        with->request(end);
    }
    catch (std::bad_alloc const&)
    {
        end = "bad_alloc";
    }
}

unsigned
requests_of_a_process(server_process const& server, std::unique_ptr<owner> with, std::size_t n)
{
    unsigned result = 0;
    std::string first;
    first.reserve(64);
    {
        failing_allocation const failing(n);
        make_first_request(server, with, first);
        result |= failing.happened() ? failure_reached : 0U;
    }
    bool const first_is_suitable =
        first == "success" || first == "out_of_memory" || first == "bad_alloc";
    result |= first_is_suitable ? first_is_right : 0U;
    if (first == "bad_alloc")
        with = std::make_unique<owner>(server);
    std::string second;
    std::string third = "success";
    with->request(second);
    auto const resumed = [&] { return with->client.counters().sessions_resumed != 0; };
    if (!resumed())
        with->request(third);
    result |= second == "success" && third == "success" ? others_succeed : 0U;
    return result | (resumed() ? sessions_resume : 0U);
}

unsigned run_in_a_process(std::function<unsigned()> const& what)
{
    auto const process = ::fork();
    if (process == 0)
    {
        // The child must not run the handlers of the test program.
        for (int const signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS})
            std::signal(signal, SIG_DFL);
        unsigned bits = failure_reached | crashed;
        try
        {
            bits = what();
        }
        catch (...) // NOLINT(bugprone-empty-catch): reported as a crash
        {
        }
        ::_exit(static_cast<int>(bits));
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(process, &status, 0) == process);
    return WIFEXITED(status) ? static_cast<unsigned>(WEXITSTATUS(status))
                             : failure_reached | crashed;
}

// Visits each of the first `dense` allocations, then one in `step`.
void fail_each(
    std::size_t step, std::size_t dense, std::function<unsigned(std::size_t)> const& what)
{
    step = std::max<std::size_t>(1, from_environment("COAUTH_SCAN_STEP", step));
    std::size_t const first = 1 + choose_seed() % step;
    std::size_t n = dense == 0 ? first : 1;
    std::size_t visited = 0;
    for (unsigned bits = failure_reached; (bits & failure_reached) != 0; ++visited)
    {
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            bits = run_in_a_process([&] { return what(n); });
            BOOST_TEST((bits & crashed) == 0U, "the process threw or crashed");
            BOOST_TEST((bits & first_is_right) != 0U, "the first request has another outcome");
            BOOST_TEST((bits & others_succeed) != 0U, "later requests fail");
            BOOST_TEST((bits & sessions_resume) != 0U, "no session is resumed");
        }
        n += n < dense ? 1 : n == dense ? first : step;
    }
    std::cout << visited << " of about " << n << " allocations" << std::endl;
    BOOST_TEST(visited > 10U);
}

// With a client that does not use the library.
void initialize_openssl(server_process const& server)
{
    asio::io_context context;
    asio::ssl::context settings(asio::ssl::context::tls_client);
    settings.add_certificate_authority(asio::buffer(server.ca_pem()));
    settings.set_verify_mode(asio::ssl::verify_peer);
    asio::ssl::stream<asio::ip::tcp::socket> stream(context, settings);
    auto const url = server.config().server.token_endpoint;
    auto const port = std::stoi(url.substr(url.rfind(':') + 1));
    stream.next_layer().connect(
        {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)});
    stream.handshake(stream.client);
}

} // namespace

// The first case, before any other client is made: clients share objects of the process.
BOOST_AUTO_TEST_CASE(a_failing_first_allocation_of_a_client_spoils_no_later_request)
{
    server_process const server(make_server);
    initialize_openssl(server);
    fail_each(
        2 * some, 0, [&](std::size_t n) { return requests_of_a_process(server, nullptr, n); });
}

BOOST_AUTO_TEST_CASE(a_failing_first_allocation_of_a_request_spoils_no_later_request)
{
    server_process const server(make_server);
    initialize_openssl(server);
    // Makes the TLS context that clients share.
    (void)owner(server);
    fail_each(
        some, dense_part, [&](std::size_t n)
        { return requests_of_a_process(server, std::make_unique<owner>(server), n); });
}

BOOST_AUTO_TEST_SUITE_END()
