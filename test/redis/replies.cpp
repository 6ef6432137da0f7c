// What a server may reply that is not Redis, or not in order: a scripted one, without TLS.

#include "store_fixture.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <functional>
#include <thread>

using namespace test;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace
{

// Sends the same reply to whatever the client says first on each connection. Then it closes the
// connection, or waits until the client does.
class scripted_server
{
public:
    scripted_server(std::string reply, bool closes)
        : reply_(std::move(reply))
        , closes_(closes)
        , thread_([this] { serve(); })
    {
    }
    ~scripted_server()
    {
        stops_ = true;
        // Ends the accept.
        asio::io_context context;
        tcp::socket socket(context);
        boost::system::error_code ignored;
        socket.connect(acceptor_.local_endpoint(), ignored);
        socket.close(ignored);
        thread_.join();
    }
    scripted_server(scripted_server const&) = delete;
    scripted_server& operator=(scripted_server const&) = delete;

    [[nodiscard]] coauth::redis_options options() const
    {
        coauth::redis_options options;
        options.url = "redis://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
        return options;
    }
    [[nodiscard]] int connections() const { return connections_; }

private:
    void serve()
    {
        while (!stops_)
        {
            boost::system::error_code ec;
            auto socket = acceptor_.accept(ec);
            ++connections_;
            char request[4096];
            if (!ec && !stops_)
                socket.read_some(asio::buffer(request), ec);
            if (ec || stops_)
                continue;
            asio::write(socket, asio::buffer(reply_), ec);
            while (!closes_ && !ec)
                socket.read_some(asio::buffer(request), ec);
        }
    }

    std::string const reply_;
    bool const closes_;
    asio::io_context context_;
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::atomic<bool> stops_{false};
    std::atomic<int> connections_{0};
    std::thread thread_;
};

std::string repeated(std::string const& text, std::size_t times)
{
    std::string out;
    while (times-- != 0)
        out += text;
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(redis_replies)

BOOST_AUTO_TEST_CASE(what_is_not_a_reply_is_an_error)
{
    struct row
    {
        char const* name;
        std::string bytes;
        char const* expected;
    };
    std::string const integers = ":1000\r\n";
    row const rows[] = {
        {"good", integers + "$6\r\nrecord\r\n" + integers + ":0\r\n", "success"},
        {"nothing", "", "connection_lost"},
        {"half a number", ":10", "connection_lost"},
        {"half a record", integers + "$6\r\nrec", "connection_lost"},
        {"three of four replies", integers + "$-1\r\n" + integers, "connection_lost"},
        {"http", "HTTP/1.1 400 Bad Request\r\n\r\n", "malformed_response"},
        {"tls alert", std::string("\x15\x03\x01\x00\x02\x02\x46", 7), "malformed_response"},
        {"another type", "+OK\r\n" + integers + integers + integers, "malformed_response"},
        {"arrays", repeated("*1\r\n:1\r\n", 4), "malformed_response"},
        {"resp3", "%1\r\n+a\r\n+b\r\n", "malformed_response"},
        {"a huge text", integers + "$1000000000\r\n" + std::string(300'000, 'x'),
         "response_too_large"},
        {"a line without an end", "+" + std::string(300'000, 'x'), "response_too_large"},
        {"a huge array", "*1000000000\r\n", "response_too_large"},
        {"a large array", "*65\r\n", "response_too_large"},
        {"an array of arrays of arrays", repeated("*8\r\n", 6), "connection_lost"},
        {"deep arrays", repeated("*1\r\n", 100), "malformed_response"},
        {"a negative size", "$-5\r\n", "malformed_response"},
        {"an array of a negative size", "*-5\r\n", "malformed_response"},
        {"an overflowing array", "*4294967297\r\n", "malformed_response"},
        {"an overflowing size", "$18446744073709551617\r\n", "malformed_response"},
        {"an error", "-ERR what?\r\n" + repeated(":1\r\n", 3), "server_error"},
        {"loading", repeated("-LOADING Redis is loading the dataset in memory\r\n", 4),
         "temporarily_unavailable"},
        {"no login", repeated("-NOAUTH Authentication required.\r\n", 4), "access_denied"},
    };
    for (auto const& [name, bytes, expected] : rows)
    {
        BOOST_TEST_CONTEXT(name)
        {
            scripted_server const server(bytes, true);
            store_fixture store(server.options());
            BOOST_TEST(outcome(store.load("a")) == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(half_a_reply_ends_with_the_time_limit)
{
    scripted_server const server("$6\r\nrec", false);
    store_fixture store(server.options());
    store.limit = 50ms;
    BOOST_TEST(outcome(store.load("a")) == "timeout");
}

BOOST_AUTO_TEST_CASE(a_silent_connection_is_replaced)
{
    scripted_server const server("", false);
    store_fixture store(server.options());
    store.limit = 50ms;
    BOOST_TEST(outcome(store.load("a")) == "timeout");
    BOOST_TEST(outcome(store.load("a")) == "timeout");
    BOOST_TEST(server.connections() == 1);
    std::this_thread::sleep_for(1100ms);
    BOOST_TEST(outcome(store.load("a")) == "timeout");
    BOOST_TEST(server.connections() == 2);
}

BOOST_AUTO_TEST_CASE(a_reply_that_nobody_requested_ends_the_connection)
{
    auto const good = ":1000\r\n$6\r\nrecord\r\n:1000\r\n:0\r\n";
    scripted_server const server(std::string(good) + good, false);
    store_fixture store(server.options());
    BOOST_TEST(store.text(store.load("a")) == "record");
    BOOST_TEST(store.text(store.load("b")) == "record");
    BOOST_TEST(server.connections() == 2);
}

BOOST_AUTO_TEST_CASE(texts_of_errors_are_harmless)
{
    scripted_server const server(
        repeated("-ERR \x1B[31mred\x07 " + std::string(2'000, 'x') + "\r\n", 4), true);
    store_fixture store(server.options());
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_error());
    auto const message = found.error().message();
    BOOST_TEST(message.size() < 400U);
    BOOST_TEST(message.find('\x1B') == std::string::npos);
    BOOST_TEST(message.find('\x07') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_login_that_is_repeated_in_the_error_is_not_shown)
{
    auto const repeats =
        "-ERR unknown command `AUTH`, with args beginning with: `coauth`, `SECRET-PASSWORD`\r\n";
    scripted_server const server(repeats, false);
    auto options = server.options();
    options.user = "coauth";
    options.password = [] { return coauth::secret("SECRET-PASSWORD"); };
    store_fixture store(options);
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_error());
    BOOST_TEST((found.error() == coauth::errc::access_denied));
    BOOST_TEST(found.error().message().find("SECRET-PASSWORD") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_redirection_in_a_circle_ends)
{
    for (std::string const reply :
         {"-MOVED 1 :1\r\n", "-MOVED 99999 127.0.0.1:1\r\n", "-MOVED\r\n", "-ASK 1 x\r\n",
          "-ASK 1 user@host:1\r\n"})
    {
        BOOST_TEST_CONTEXT(reply)
        {
            scripted_server const server(repeated(reply, 4), true);
            store_fixture store(server.options());
            BOOST_TEST(store.load("a").has_error());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
