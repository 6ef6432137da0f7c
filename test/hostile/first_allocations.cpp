// One allocation fails while a process makes its first request, in a process of its own for each:
// what a process keeps must not be spoiled by it, so that its next requests succeed.
//
// OpenSSL is made ready before: what it has for the whole process, it keeps also where it had no
// memory to make it, and some of that ends the process. Nobody can mend that from outside.
//
// COAUTH_SCAN_STEP=1 visits every allocation; by default each run of this visits some, from a
// random start. COAUTH_SEED=n begins where an earlier run began, which printed it.

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

namespace
{

// Visit every allocation up to `close_by`, which those of the TLS engine are among, then one in
// `some`. Under AddressSanitizer each process takes ten times as long.
constexpr std::size_t some = address_sanitizer ? 50 : 25;
constexpr std::size_t close_by = address_sanitizer ? 0 : 250;

authorization_server make_server()
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    return server;
}

// A client of which each request has a handshake.
struct owner
{
    explicit owner(server_process const& server) : client(context.get_executor(), config(server)) {}

    static coauth::client_config config(server_process const& server)
    {
        auto made = server.config();
        made.authentication = coauth::client_authentication::client_secret_basic(
            client_id, coauth::secret(client_secret));
        made.retry.max_attempts = 1;
        made.connections.idle_timeout = 0s;
        return made;
    }

    // Writes into what has room, and takes no memory for it.
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

// What is an exit status.
enum seen : unsigned
{
    came = 1,
    first_is_right = 2,
    others_succeed = 4,
    sessions_resume = 8,
    crashed = 16,
};

// Makes a client, or takes the one that is there, and makes its first request.
void begin(server_process const& server, std::unique_ptr<owner>& with, std::string& end)
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
        begin(server, with, first);
        result |= failing.happened() ? came : 0U;
    }
    bool const right = first == "success" || first == "out_of_memory" || first == "bad_alloc";
    result |= right ? first_is_right : 0U;
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

unsigned in_a_process(std::function<unsigned()> const& what)
{
    auto const process = ::fork();
    if (process == 0)
    {
        // Nothing of it may go on in the test program.
        for (int const signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS})
            std::signal(signal, SIG_DFL);
        unsigned seen = came | crashed;
        try
        {
            seen = what();
        }
        catch (...) // NOLINT(bugprone-empty-catch): it is told as a crash
        {
        }
        ::_exit(static_cast<int>(seen));
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(process, &status, 0) == process);
    return WIFEXITED(status) ? static_cast<unsigned>(WEXITSTATUS(status)) : came | crashed;
}

// All of the first `dense`, and then one in so many.
void fail_each(
    std::size_t step, std::size_t dense, std::function<unsigned(std::size_t)> const& what)
{
    step = std::max<std::size_t>(1, from_environment("COAUTH_SCAN_STEP", step));
    std::size_t const first = 1 + choose_seed() % step;
    std::size_t n = dense == 0 ? first : 1;
    std::size_t visited = 0;
    for (unsigned seen = came; (seen & came) != 0; ++visited)
    {
        BOOST_TEST_CONTEXT("allocation " << n)
        {
            seen = in_a_process([&] { return what(n); });
            BOOST_TEST((seen & crashed) == 0U, "it ends in an exception or a crash");
            BOOST_TEST((seen & first_is_right) != 0U, "the first ends in another way");
            BOOST_TEST((seen & others_succeed) != 0U, "later ones fail");
            BOOST_TEST((seen & sessions_resume) != 0U, "no session is resumed");
        }
        n += n < dense ? 1 : n == dense ? first : step;
    }
    std::cout << visited << " of some " << n << " allocations" << std::endl;
    BOOST_TEST(visited > 10U);
}

// By a client that is not ours.
void make_openssl_ready(server_process const& server)
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

BOOST_AUTO_TEST_SUITE(first_allocations)

// Before any other client is made here: they share what is made for the first.
BOOST_AUTO_TEST_CASE(of_a_client_spoil_no_later_request)
{
    server_process const server(make_server);
    make_openssl_ready(server);
    fail_each(
        2 * some, 0, [&](std::size_t n) { return requests_of_a_process(server, nullptr, n); });
}

BOOST_AUTO_TEST_CASE(of_a_request_spoil_no_later_one)
{
    server_process const server(make_server);
    make_openssl_ready(server);
    // The process then has its TLS context.
    (void)owner(server);
    fail_each(
        some, close_by, [&](std::size_t n)
        { return requests_of_a_process(server, std::make_unique<owner>(server), n); });
}

BOOST_AUTO_TEST_SUITE_END()
