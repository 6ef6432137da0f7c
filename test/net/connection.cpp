// One HTTP exchange beside others: when the response is read; and the memory of its frames.

#include "net/connection.hpp"

#include "net/frame_cache.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace asio = boost::asio;
namespace net = coauth::net;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(connection)

using asio::ip::tcp;

namespace
{

constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
constexpr std::string_view response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

std::shared_ptr<net::target const> target_at(std::uint16_t port)
{
    auto target = std::make_shared<net::target>();
    target->host = "127.0.0.1";
    target->ip_literal = true;
    target->port = port;
    target->connection_attempt_delay = 250ms;
    return target;
}

template <class T>
class task_runner final : public net::resumable, public std::enable_shared_from_this<task_runner<T>>
{
public:
    explicit task_runner(asio::io_context& context) : context_(context) {}

    template <class Start>
    void start(Start const& begin)
    {
        op.owner = this->weak_from_this();
        task_ = begin(op);
        step(task_.begin());
    }
    void resume() override { step(op.waits_at); }
    void resume_later() noexcept override
    {
        asio::post(context_, [self = this->shared_from_this()] { self->resume(); });
    }

    net::operation_context op{
        {}, net::phase_timer(nullptr, std::chrono::steady_clock::now()), {}, {}};
    std::optional<T> outcome;

private:
    void step(std::coroutine_handle<> position)
    {
        if (task_.resume(position))
            outcome = task_.take();
    }

    asio::io_context& context_;
    net::task<T> task_;
};

// A connection, and its peer in the same thread.
struct connected
{
    connected() : tested(context.get_executor(), target_at(acceptor.local_endpoint().port()))
    {
        auto const opening = std::make_shared<task_runner<coauth::result<void>>>(context);
        opening->start([this](net::operation_context& op) { return tested.open(op); });
        context.run();
        BOOST_TEST_REQUIRE((opening->outcome && opening->outcome->has_value()));
        peer = acceptor.accept();
    }

    // Sends the request, and goes as far as it can without a wait.
    void begin(bool others_run)
    {
        forget_events();
        exchange = std::make_shared<task_runner<coauth::result<net::exchange_outcome>>>(context);
        exchange->start([&](net::operation_context& op)
                        { return tested.exchange(request, op, others_run); });
        std::array<char, 1024> received{};
        BOOST_TEST(peer.read_some(asio::buffer(received)) == request.size());
    }
    // Runs one handler, if one can run.
    bool step()
    {
        context.restart();
        return context.poll_one() != 0;
    }
    void respond(std::string_view bytes)
    {
        asio::write(peer, asio::buffer(bytes.data(), bytes.size()));
    }
    // The status of the response, or why there is none.
    std::string end()
    {
        context.restart();
        context.run();
        auto const& outcome = exchange->outcome;
        BOOST_TEST_REQUIRE(outcome.has_value());
        return *outcome ? std::to_string((**outcome).response.status)
                        : std::string(coauth::to_string(outcome->error().value()));
    }

    // Those of bytes that were read without a wait: they are no handlers.
    void forget_events()
    {
        auto const work = asio::make_work_guard(context);
        context.restart();
        context.poll();
    }

    asio::io_context context;
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    tcp::socket peer{context};
    net::connection tested;
    std::shared_ptr<task_runner<coauth::result<net::exchange_outcome>>> exchange;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_response_that_arrives_while_others_run_is_read_without_a_wait)
{
    for (std::size_t const early :
         {std::size_t(0), std::size_t(1), std::size_t(30), response.size()})
    {
        connected one;
        one.begin(true);
        one.respond(response.substr(0, early));
        BOOST_TEST(one.step());
        BOOST_TEST(one.exchange->outcome.has_value() == (early == response.size()));
        one.respond(response.substr(early));
        BOOST_TEST(one.end() == "200");
        BOOST_TEST(one.tested.reusable());
    }
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_closed_while_others_run_is_noticed)
{
    connected one;
    one.begin(true);
    one.peer.close();
    BOOST_TEST(one.step());
    BOOST_TEST(one.end() == "connection_lost");
    BOOST_TEST(one.tested.closed_before_response());
}

BOOST_AUTO_TEST_CASE(a_request_that_is_aborted_while_others_run_ends)
{
    for (bool const has_response : {false, true})
    {
        connected one;
        one.begin(true);
        one.exchange->op.stop.abort(coauth::errc::cancelled);
        if (has_response)
            one.respond(response);
        BOOST_TEST(one.end() == "cancelled");
        BOOST_TEST(!one.tested.reusable());
    }
}

// Each turn costs a handler and a system call.
BOOST_AUTO_TEST_CASE(a_connection_whose_responses_arrive_later_takes_fewer_turns)
{
    connected one;
    auto const exchange = [&](bool others_run, bool is_early)
    {
        one.begin(others_run);
        if (is_early)
            one.respond(response);
        bool const stepped = one.step();
        if (!is_early)
            one.respond(response);
        BOOST_TEST(one.end() == "200");
        return stepped ? 'x' : '-';
    };
    std::string turns;
    for (int i = 0; i < 11; ++i)
        turns += exchange(true, false);
    BOOST_TEST(turns == "x-x---x----");
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(exchange(true, false) == '-');
    // From an early response on they count anew.
    (void)exchange(true, true);
    turns.clear();
    for (int i = 0; i < 4; ++i)
        turns += exchange(true, false);
    BOOST_TEST(turns == "x-x-");
    // Alone, a request takes none.
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(exchange(false, false) == '-');
}

// Other threads have a cache that nobody has used.
BOOST_AUTO_TEST_CASE(the_memory_of_a_frame_is_used_again_for_one_of_the_same_size)
{
    using net::frame_cache;
    std::thread(
        []
        {
            void* const first = frame_cache::allocate(200);
            void* const second = frame_cache::allocate(200);
            frame_cache::deallocate(first, 200);
            frame_cache::deallocate(second, 200);
            void* const other = frame_cache::allocate(201);
            void* const again = frame_cache::allocate(200);
            BOOST_TEST((again == first || again == second));
            BOOST_TEST((other != first && other != second));
            frame_cache::deallocate(again, 200);
            frame_cache::deallocate(other, 201);
            // More than it keeps.
            std::vector<void*> many(20);
            for (auto& one : many)
                one = frame_cache::allocate(300);
            for (auto* const one : many)
                frame_cache::deallocate(one, 300);
        })
        .join();
}

BOOST_AUTO_TEST_CASE(a_frame_may_be_freed_when_its_thread_ends)
{
    struct late_frame
    {
        ~late_frame()
        {
            net::frame_cache::deallocate(memory, 200);
            net::frame_cache::deallocate(net::frame_cache::allocate(300), 300);
        }
        void* memory = nullptr;
    };
    std::thread(
        []
        {
            // Destroyed after the cache, which is made later.
            static thread_local late_frame late;
            late.memory = net::frame_cache::allocate(200);
        })
        .join();
}

BOOST_AUTO_TEST_SUITE_END()
