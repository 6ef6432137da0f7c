// The stream under the HTTP exchange: Asio's and Beast's own algorithms run over it.

#include <coauth/testing/authorization_server.hpp>

#include "net/byte_stream_asio.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <optional>
#include <string>
#include <thread>

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace net = coauth::net;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(byte_stream)

using asio::ip::tcp;
using boost::system::error_code;
using coauth::testing::authorization_server;
using coauth::testing::response;
using coauth::testing::response_end;

static_assert(boost::beast::is_async_read_stream<net::byte_stream>::value);
static_assert(boost::beast::is_async_write_stream<net::byte_stream>::value);

namespace
{

authorization_server start_server()
{
    auto started = authorization_server::start();
    BOOST_TEST_REQUIRE(started.has_value());
    return std::move(*started);
}

std::shared_ptr<net::stream_target const> target_of(authorization_server const& server)
{
    coauth::tls_options tls;
    tls.system_trust_store = false;
    tls.ca_pem = server.ca_pem();
    auto target = std::make_shared<net::stream_target>();
    target->tls = std::make_shared<net::tls_source>(tls);
    target->host = "127.0.0.1";
    target->ip_literal = true;
    target->port = server.port();
    target->connection_attempt_delay = 250ms;
    return target;
}

// Runs tasks of the stream on an io_context.
class task_runner final : public net::resumable, public std::enable_shared_from_this<task_runner>
{
public:
    explicit task_runner(asio::io_context& context)
        : op{{}, net::phase_timer(nullptr, std::chrono::steady_clock::now()), {}, {}}
        , context_(context)
    {
    }

    void start(net::task<coauth::result<void>> task)
    {
        op.owner = weak_from_this();
        task_ = std::move(task);
        step(task_.begin());
    }
    void resume() override { step(op.waits_at); }
    void resume_later() noexcept override
    {
        asio::post(context_, [self = shared_from_this()] { self->resume(); });
    }

    net::operation_context op;
    std::optional<coauth::result<void>> outcome;

private:
    void step(std::coroutine_handle<> position)
    {
        if (task_.resume(position))
            outcome = task_.take();
    }

    asio::io_context& context_;
    net::task<coauth::result<void>> task_;
};

// A stream that is connected to a server.
struct connected_stream
{
    explicit connected_stream(std::shared_ptr<net::stream_target const> const& target)
        : stream(context.get_executor(), target)
        , runner(std::make_shared<task_runner>(context))
    {
        runner->start(stream.connect(runner->op));
        run();
        BOOST_TEST_REQUIRE(runner->outcome.has_value());
        BOOST_TEST_REQUIRE(
            runner->outcome->has_value(),
            (*runner->outcome ? "" : runner->outcome->error().message()));
    }

    void run()
    {
        context.restart();
        context.run();
    }

    asio::io_context context;
    net::byte_stream stream;
    std::shared_ptr<task_runner> runner;
};

http::request<http::string_body> token_request(std::string body = "grant_type=client_credentials")
{
    http::request<http::string_body> request(http::verb::post, "/oauth/token", 11);
    request.set(http::field::host, "127.0.0.1");
    request.set(http::field::content_type, "application/x-www-form-urlencoded");
    request.body() = std::move(body);
    request.prepare_payload();
    return request;
}

// Runs one read and returns its result.
std::pair<error_code, std::size_t> read_some(connected_stream& connected)
{
    std::array<char, 64> bytes{};
    std::optional<std::pair<error_code, std::size_t>> result;
    connected.stream.async_read_some(
        asio::buffer(bytes), [&](error_code ec, std::size_t size) { result = {ec, size}; });
    connected.run();
    BOOST_TEST_REQUIRE(result.has_value());
    return *result;
}

void send_request(connected_stream& connected)
{
    auto request = token_request();
    error_code failure = asio::error::would_block;
    http::async_write(connected.stream, request, [&](error_code ec, std::size_t) { failure = ec; });
    connected.run();
    BOOST_TEST_REQUIRE(!failure);
}

// A server without TLS that returns what it receives.
class echo_server
{
public:
    echo_server() : acceptor_(context_, {asio::ip::address_v4::loopback(), 0})
    {
        thread_ = std::thread([this] { serve(); });
    }
    ~echo_server() { thread_.join(); }
    echo_server(echo_server const&) = delete;
    echo_server& operator=(echo_server const&) = delete;

    [[nodiscard]] std::shared_ptr<net::stream_target const> target() const
    {
        auto target = std::make_shared<net::stream_target>();
        target->host = "127.0.0.1";
        target->ip_literal = true;
        target->port = acceptor_.local_endpoint().port();
        return target;
    }

private:
    void serve()
    {
        error_code ec;
        auto socket = acceptor_.accept(ec);
        std::array<char, 4096> bytes{};
        while (!ec)
        {
            auto const size = socket.read_some(asio::buffer(bytes), ec);
            if (!ec)
                asio::write(socket, asio::buffer(bytes, size), ec);
        }
    }

    asio::io_context context_;
    tcp::acceptor acceptor_;
    std::thread thread_;
};

} // namespace

BOOST_AUTO_TEST_CASE(beast_writes_a_request_and_reads_the_response_over_tls)
{
    auto server = start_server();
    server.set_response(response::json(200, R"({"access_token":"t","token_type":"Bearer"})"));
    connected_stream connected(target_of(server));
    int responses = 0;
    auto const exchange = [&]() -> asio::awaitable<void>
    {
        // The second one reuses the connection.
        for (int i = 0; i < 2; ++i)
        {
            auto request = token_request();
            co_await http::async_write(connected.stream, request, asio::use_awaitable);
            boost::beast::flat_buffer buffer;
            http::response<http::string_body> received;
            co_await http::async_read(connected.stream, buffer, received, asio::use_awaitable);
            BOOST_TEST(received.result_int() == 200U);
            BOOST_TEST(received.body().find("access_token") != std::string::npos);
            ++responses;
        }
    };
    asio::co_spawn(
        connected.context, exchange,
        [](std::exception_ptr failure) { BOOST_TEST((failure == nullptr)); });
    connected.run();
    BOOST_TEST(responses == 2);
    BOOST_TEST(server.connections() == 1U);
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_request_of_many_tls_records_arrives_whole)
{
    auto server = start_server();
    server.set_response(response::json(200, "{}"));
    connected_stream connected(target_of(server));
    auto request = token_request("a=" + std::string(300'000, 'b'));
    http::response<http::string_body> received;
    boost::beast::flat_buffer buffer;
    std::size_t written = 0;
    http::async_write(
        connected.stream, request,
        [&](error_code ec, std::size_t size)
        {
            BOOST_TEST(!ec);
            written = size;
            http::async_read(
                connected.stream, buffer, received,
                [&](error_code read_ec, std::size_t) { BOOST_TEST(!read_ec); });
        });
    connected.run();
    BOOST_TEST(written > 300'000U);
    BOOST_TEST(received.result_int() != 0U);
}

BOOST_AUTO_TEST_CASE(a_stream_without_tls_echoes_a_large_message)
{
    echo_server const server;
    connected_stream connected(server.target());
    std::string const message(1 << 20, 'm');
    std::string echoed(message.size(), '\0');
    bool written = false;
    bool read = false;
    // Without TLS, reads and writes are independent operations of the socket.
    asio::async_read(
        connected.stream, asio::buffer(echoed), [&](error_code ec, std::size_t) { read = !ec; });
    asio::async_write(
        connected.stream, asio::buffer(message),
        [&](error_code ec, std::size_t) { written = !ec; });
    connected.run();
    BOOST_TEST(written);
    BOOST_TEST(read);
    BOOST_TEST((echoed == message));
    connected.stream.close();
}

BOOST_AUTO_TEST_CASE(any_completion_token_is_accepted)
{
    echo_server const server;
    connected_stream connected(server.target());
    std::string const message = "ping";
    std::array<char, 4> bytes{};
    auto written = connected.stream.async_write_some(asio::buffer(message), asio::use_future);
    connected.run();
    BOOST_TEST(written.get() == 4U);
    std::size_t size = 0;
    auto const read = [&]() -> asio::awaitable<void>
    { size = co_await connected.stream.async_read_some(asio::buffer(bytes), asio::use_awaitable); };
    asio::co_spawn(connected.context, read, asio::use_future);
    connected.run();
    BOOST_TEST(size == 4U);
    BOOST_TEST(std::string(bytes.data(), bytes.size()) == message);
    connected.stream.close();
}

BOOST_AUTO_TEST_CASE(an_operation_never_completes_within_its_initiating_function)
{
    echo_server const server;
    connected_stream connected(server.target());
    std::string const message = "ping";
    bool completed = false;
    connected.stream.async_write_some(
        asio::buffer(message), [&](error_code, std::size_t) { completed = true; });
    BOOST_TEST(!completed);
    connected.run();
    BOOST_TEST(completed);
    completed = false;
    connected.stream.async_read_some(
        asio::mutable_buffer(),
        [&](error_code ec, std::size_t size) { completed = !ec && size == 0; });
    BOOST_TEST(!completed);
    connected.run();
    BOOST_TEST(completed);
    connected.stream.close();
}

BOOST_AUTO_TEST_CASE(an_abort_ends_a_read_and_later_ones_do_not_start)
{
    auto const server = start_server();
    connected_stream connected(target_of(server));
    net::byte_stream::scope const covered(connected.stream, connected.runner->op.stop);
    std::thread aborting(
        [&]
        {
            std::this_thread::sleep_for(20ms);
            connected.runner->op.stop.abort(coauth::errc::timeout);
        });
    BOOST_TEST(read_some(connected).first == asio::error::operation_aborted);
    aborting.join();
    BOOST_TEST(read_some(connected).first == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(a_cancellation_slot_ends_a_read)
{
    auto const server = start_server();
    connected_stream connected(target_of(server));
    asio::cancellation_signal signal;
    std::array<char, 8> bytes{};
    error_code ended;
    connected.stream.async_read_some(
        asio::buffer(bytes), asio::bind_cancellation_slot(
                                 signal.slot(), [&](error_code ec, std::size_t) { ended = ec; }));
    asio::post(connected.context, [&] { signal.emit(asio::cancellation_type::terminal); });
    connected.run();
    BOOST_TEST(ended == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_stream_is_eof_only_with_close_notify)
{
    auto server = start_server();
    for (bool const authentic : {true, false})
    {
        server.push_response(
            response::bytes("x", authentic ? response_end::close : response_end::truncate));
        connected_stream connected(target_of(server));
        send_request(connected);
        BOOST_TEST(read_some(connected).second == 1U);
        auto const end = read_some(connected).first;
        BOOST_TEST(
            (end == (authentic ? error_code(asio::error::eof)
                               : error_code(asio::ssl::error::stream_truncated))));
    }
}

BOOST_AUTO_TEST_CASE(a_stream_is_reusable_only_while_nothing_is_pending)
{
    auto server = start_server();
    server.push_response(response::bytes("xy", response_end::stall));
    connected_stream connected(target_of(server));
    BOOST_TEST(!connected.stream.has_pending_data());
    send_request(connected);
    std::array<char, 1> byte{};
    error_code failure = asio::error::would_block;
    connected.stream.async_read_some(
        asio::buffer(byte), [&](error_code ec, std::size_t) { failure = ec; });
    connected.run();
    BOOST_TEST(!failure);
    // The second byte is still available.
    BOOST_TEST(connected.stream.has_pending_data());
}

BOOST_AUTO_TEST_SUITE_END()
