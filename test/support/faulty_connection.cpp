#include "faulty_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <tuple>
#include <utility>

namespace test
{

namespace
{

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

class faulty_connection : public std::enable_shared_from_this<faulty_connection>
{
public:
    faulty_connection(tcp::socket client, fault_spec const& spec, std::shared_ptr<traffic> counters)
        : client_(std::move(client))
        , server_(client_.get_executor())
        , delay_timer_(client_.get_executor())
        , spec_(spec)
        , counters_(std::move(counters))
    {
    }

    void start(std::uint16_t server_port)
    {
        tcp::endpoint const endpoint(asio::ip::make_address("127.0.0.1"), server_port);
        server_.async_connect(
            endpoint,
            [self = shared_from_this()](error_code ec)
            {
                if (ec)
                    return self->close_both(fault::close);
                for (auto const way : {direction::to_server, direction::to_client})
                    asio::co_spawn(
                        self->client_.get_executor(), forward(self, way), asio::detached);
            });
    }

private:
    static asio::awaitable<void> forward(std::shared_ptr<faulty_connection> self, direction way)
    {
        bool const to_server = way == direction::to_server;
        auto& source = to_server ? self->client_ : self->server_;
        auto& destination = to_server ? self->server_ : self->client_;
        auto& counter = to_server ? self->counters_->to_server : self->counters_->to_client;
        std::array<char, 16 * 1024> buffer{};
        std::size_t passed = 0;
        bool muted = false;
        for (;;)
        {
            if (self->is_due(way, passed, passed))
                muted = self->apply_fault(destination);
            auto [failed, size] = co_await source.async_read_some(asio::buffer(buffer), tuple);
            if (failed)
                break;
            counter += size;
            std::span<char> const input(buffer.data(), size);
            auto write_failed = co_await self->pass(input, passed, way, destination, muted);
            passed += size;
            if (write_failed)
                break;
        }
        self->on_direction_ended(way, destination, muted);
    }

    // Passes the input on, with the fault if its position is in it.
    asio::awaitable<error_code> pass(
        std::span<char> input, std::size_t passed, direction way, tcp::socket& destination,
        bool& muted)
    {
        std::string output(input.data(), input.size());
        auto const end = passed + input.size();
        if (spec_.fault == fault::trickle && way == spec_.direction && end > spec_.position)
            co_return co_await trickle(
                output, std::max(spec_.position, passed) - passed, destination);
        if (is_due(way, passed, end - 1))
        {
            auto const offset = spec_.position - passed;
            if (spec_.fault == fault::corrupt)
                output[offset] = static_cast<char>(output[offset] ^ (1 << (spec_.position % 8)));
            if (spec_.fault == fault::repeat)
                output.insert(offset, 1, output[offset]);
            bool const whole = spec_.fault == fault::corrupt || spec_.fault == fault::repeat;
            auto const before = asio::buffer(output.data(), whole ? output.size() : offset);
            auto [failed, written] = co_await asio::async_write(destination, before, tuple);
            if (failed || whole)
                co_return failed;
            if (spec_.fault == fault::delay)
            {
                delay_timer_.expires_after(spec_.delay);
                auto const waited = co_await delay_timer_.async_wait(tuple);
                (void)waited;
            }
            else
                muted = apply_fault(destination);
            output.erase(0, offset);
        }
        if (muted)
            co_return error_code();
        auto [failed, written] =
            co_await asio::async_write(destination, asio::buffer(output), tuple);
        co_return failed;
    }

    asio::awaitable<error_code>
    trickle(std::string& output, std::size_t offset, tcp::socket& destination)
    {
        auto [failed, written] =
            co_await asio::async_write(destination, asio::buffer(output.data(), offset), tuple);
        for (; !failed && offset < output.size(); ++offset)
        {
            delay_timer_.expires_after(spec_.delay);
            auto const waited = co_await delay_timer_.async_wait(tuple);
            (void)waited;
            std::tie(failed, written) =
                co_await asio::async_write(destination, asio::buffer(&output[offset], 1), tuple);
        }
        co_return failed;
    }

    // Whether the fault's position is between these two.
    [[nodiscard]] bool is_due(direction way, std::size_t first, std::size_t last) const
    {
        return spec_.fault != fault::none && way == spec_.direction && !applied_ &&
               spec_.position >= first && spec_.position <= last;
    }

    // Returns true if nothing more is to be sent in this direction.
    bool apply_fault(tcp::socket& destination)
    {
        switch (spec_.fault)
        {
        case fault::close:
        case fault::reset:
            close_both(spec_.fault);
            break;
        case fault::half_close:
        {
            error_code ignored;
            destination.shutdown(tcp::socket::shutdown_send, ignored);
            break;
        }
        case fault::stall:
            break;
        default:
            // These faults apply to the next byte.
            return false;
        }
        applied_ = true;
        return true;
    }

    // After a stall the client continues to wait, but the server does not wait for a client that
    // has closed.
    void on_direction_ended(direction way, tcp::socket& destination, bool muted)
    {
        bool const client_closed = way == direction::to_server;
        if (++ended_directions_ == 2 || (muted && client_closed))
            return close_both(fault::close);
        error_code ignored;
        if (!muted)
            destination.shutdown(tcp::socket::shutdown_send, ignored);
    }

    void close_both(fault kind)
    {
        error_code ignored;
        for (auto* const socket : {&client_, &server_})
        {
            if (kind == fault::reset)
                socket->set_option(asio::socket_base::linger(true, 0), ignored);
            socket->close(ignored);
        }
    }

    tcp::socket client_;
    tcp::socket server_;
    asio::steady_timer delay_timer_;
    fault_spec const spec_;
    std::shared_ptr<traffic> const counters_;
    bool applied_ = false;
    int ended_directions_ = 0;
};

} // namespace

void forward_with_fault(
    tcp::socket client, std::uint16_t server_port, fault_spec const& spec,
    std::shared_ptr<traffic> counters)
{
    auto const connection =
        std::make_shared<faulty_connection>(std::move(client), spec, std::move(counters));
    connection->start(server_port);
}

} // namespace test
