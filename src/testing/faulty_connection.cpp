#include "testing/faulty_connection.hpp"

#include "testing/long_times.hpp"

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

namespace coauth::testing
{

namespace
{

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

class disturbed_connection : public std::enable_shared_from_this<disturbed_connection>
{
public:
    disturbed_connection(
        tcp::socket client, fault_spec const& what, std::shared_ptr<traffic> counted)
        : client_(std::move(client))
        , server_(client_.get_executor())
        , late_(client_.get_executor())
        , what_(what)
        , counted_(std::move(counted))
    {
    }

    void begin(std::uint16_t server_port)
    {
        tcp::endpoint const where(asio::ip::make_address("127.0.0.1"), server_port);
        server_.async_connect(
            where,
            [self = shared_from_this()](error_code ec)
            {
                if (ec)
                    return self->end(fault::close);
                asio::co_spawn(
                    self->client_.get_executor(), carry(self, direction::to_server),
                    asio::detached);
                asio::co_spawn(
                    self->client_.get_executor(), carry(self, direction::to_client),
                    asio::detached);
            });
    }

private:
    static asio::awaitable<void> carry(std::shared_ptr<disturbed_connection> self, direction which)
    {
        bool const forth = which == direction::to_server;
        auto& from = forth ? self->client_ : self->server_;
        auto& into = forth ? self->server_ : self->client_;
        auto& count = forth ? self->counted_->to_server : self->counted_->to_client;
        std::array<char, 16 * 1024> buffer{};
        std::size_t passed = 0;
        bool silent = false;
        for (;;)
        {
            if (self->due(which, passed, passed))
                silent = self->happen(into);
            auto [failed, size] = co_await from.async_read_some(asio::buffer(buffer), tuple);
            if (failed)
                break;
            count += size;
            std::span<char> const came(buffer.data(), size);
            auto outcome = co_await self->pass(came, passed, which, into, silent);
            passed += size;
            if (outcome)
                break;
        }
        self->ended(which, into, silent);
    }

    // Hands on what came, with the fault where it is due.
    asio::awaitable<error_code>
    pass(std::span<char> came, std::size_t passed, direction which, tcp::socket& into, bool& silent)
    {
        std::string out(came.data(), came.size());
        auto const end = passed + came.size();
        if (what_.fault == fault::trickle && which == what_.direction && end > what_.position)
            co_return co_await trickle(out, std::max(what_.position, passed) - passed, into);
        if (due(which, passed, end - 1))
        {
            auto const at = what_.position - passed;
            if (what_.fault == fault::corrupt)
                out[at] = static_cast<char>(out[at] ^ (1 << (what_.position % 8)));
            if (what_.fault == fault::repeat)
                out.insert(at, 1, out[at]);
            bool const whole = what_.fault == fault::corrupt || what_.fault == fault::repeat;
            auto const before = asio::buffer(out.data(), whole ? out.size() : at);
            auto [failed, sent] = co_await asio::async_write(into, before, tuple);
            if (failed || whole)
                co_return failed;
            if (what_.fault == fault::delay)
            {
                late_.expires_after(countable(what_.delay));
                auto const waited = co_await late_.async_wait(tuple);
                (void)waited;
            }
            else
                silent = happen(into);
            out.erase(0, at);
        }
        if (silent)
            co_return error_code();
        auto [failed, sent] = co_await asio::async_write(into, asio::buffer(out), tuple);
        co_return failed;
    }

    asio::awaitable<error_code> trickle(std::string& out, std::size_t at, tcp::socket& into)
    {
        auto [failed, sent] = co_await asio::async_write(into, asio::buffer(out.data(), at), tuple);
        for (; !failed && at < out.size(); ++at)
        {
            late_.expires_after(countable(what_.delay));
            auto const waited = co_await late_.async_wait(tuple);
            (void)waited;
            std::tie(failed, sent) =
                co_await asio::async_write(into, asio::buffer(&out[at], 1), tuple);
        }
        co_return failed;
    }

    [[nodiscard]] bool due(direction which, std::size_t first, std::size_t last) const
    {
        return what_.fault != fault::none && which == what_.direction && !happened_ &&
               what_.position >= first && what_.position <= last;
    }

    // True: nothing more goes this which.
    bool happen(tcp::socket& into)
    {
        switch (what_.fault)
        {
        case fault::close:
        case fault::reset:
            end(what_.fault);
            break;
        case fault::half_close:
        {
            error_code ignored;
            into.shutdown(tcp::socket::shutdown_send, ignored);
            break;
        }
        case fault::stall:
            break;
        default:
            // It happens to the next byte.
            return false;
        }
        happened_ = true;
        return true;
    }

    // One side will send no more. The client goes on waiting for what was stalled; the server does
    // not wait for a client that is gone.
    void ended(direction which, tcp::socket& into, bool silent)
    {
        bool const client_gone = which == direction::to_server;
        if (++ended_ == 2 || (silent && client_gone))
            return end(fault::close);
        error_code ignored;
        if (!silent)
            into.shutdown(tcp::socket::shutdown_send, ignored);
    }

    void end(fault how)
    {
        error_code ignored;
        for (auto* const socket : {&client_, &server_})
        {
            if (how == fault::reset)
                socket->set_option(asio::socket_base::linger(true, 0), ignored);
            socket->close(ignored);
        }
    }

    tcp::socket client_;
    tcp::socket server_;
    asio::steady_timer late_;
    fault_spec const what_;
    std::shared_ptr<traffic> const counted_;
    bool happened_ = false;
    int ended_ = 0;
};

} // namespace

void inject_faults(
    tcp::socket client, std::uint16_t server_port, fault_spec const& what,
    std::shared_ptr<traffic> counted)
{
    auto const made =
        std::make_shared<disturbed_connection>(std::move(client), what, std::move(counted));
    made->begin(server_port);
}

} // namespace coauth::testing
