#include "net/connection.hpp"

#include "net/happy_eyeballs.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/ip/address.hpp>

#include <cerrno>
#include <cstdlib>
#include <sys/socket.h>
#include <tuple>
#include <utility>

namespace coauth::net
{

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using step = tls_engine::step;

namespace
{

// OpenSSL takes no more than 100 KiB of certificates, but some messages any number of times.
constexpr std::size_t longest_handshake = std::size_t(512) * 1024;

// As in "HTTP/1.1 200 OK" (RFC 9112 section 4).
bool begins_with_status(std::string_view response)
{
    if (response.size() < 13 || !response.starts_with("HTTP/1.") || response[8] != ' ')
        return false;
    auto const number = response.substr(9, 3);
    bool const digits = number.find_first_not_of("0123456789") == std::string_view::npos;
    return digits && (response[12] == ' ' || response[12] == '\r');
}

} // namespace

auto connection::async_ready(need what, std::span<char> into, operation_context& op)
{
    auto const begin = [this, what, into](continuation<error_code, std::size_t> handler)
    {
        if (what == need::input)
            socket_.async_read_some(asio::buffer(into.data(), into.size()), std::move(handler));
        else
            socket_.async_wait(
                tcp::socket::wait_write, asio::append(std::move(handler), std::size_t(0)));
    };
    return wait_for<error_code, std::size_t>(op, begin, asio::error::no_memory, 0);
}

connection::connection(asio::any_io_executor const& executor, std::shared_ptr<target const> where)
    : where_(std::move(where))
    , socket_(executor)
    , reader_(where_->limits, where_->all_headers)
{
}

connection::~connection() = default;

void connection::cancel() noexcept
{
    error_code ignored;
    socket_.cancel(ignored);
}

task<result<void>> connection::open(operation_context& op)
{
    endpoints found;
    auto outcome = co_await lookup(op, found);
    if (outcome)
        outcome = co_await connect(op, found);
    if (outcome && !where_->tunnel_request.empty())
        outcome = co_await tunnel(op);
    if (outcome)
        op.phases.leave();
    if (outcome && where_->tls)
        outcome = co_await handshake(op);
    co_return outcome;
}

task<result<void>> connection::lookup(operation_context& op, endpoints& found)
{
    op.phases.enter(phase::lookup);
    bool const proxied = !where_->tunnel_request.empty();
    std::string const& host = proxied ? where_->proxy_host : where_->host;
    std::uint16_t const port = proxied ? where_->proxy_port : where_->port;
    error_code ec;
    auto const address = asio::ip::make_address(host, ec);
    if (!ec)
        found.emplace_back(address, port);
    else
    {
        resolver::waiter waiter(where_->lookups);
        stop_state::scope const scope(op.stop, waiter);
        auto const begin = [&](resolver::handler handler)
        { return waiter.begin(host, port, std::move(handler)); };
        std::tie(ec, found) =
            co_await wait_for<error_code, endpoints>(op, begin, asio::error::no_memory, {});
    }
    if (ec || op.stop.aborted())
        co_return fail(
            op, errc::resolve_failed,
            "the host name '" + host + (proxied ? "' of the proxy" : "'") +
                " was not resolved; check its spelling and this machine's name service",
            ec);
    op.phases.leave();
    co_return result<void>();
}

task<result<void>> connection::connect(operation_context& op, endpoints const& found)
{
    op.phases.enter(phase::connect);
    auto attempt = std::make_shared<happy_eyeballs>(
        socket_.get_executor(), found, where_->connection_attempt_delay);
    error_code ec;
    {
        happy_eyeballs::waiter waiter(attempt);
        stop_state::scope const scope(op.stop, waiter);
        // It lives in what it waits for.
        auto const begin = [&](happy_eyeballs::handler handler)
        { std::exchange(attempt, nullptr)->begin(std::move(handler)); };
        std::optional<tcp::socket> won;
        std::tie(ec, won) = co_await wait_for<error_code, std::optional<tcp::socket>>(
            op, begin, asio::error::no_memory, {});
        if (won)
            socket_ = std::move(*won);
    }
    last_failure_ = ec;
    // Reset before it was looked at: it had been accepted.
    bool const reset = ec == asio::error::connection_reset;
    if (ec || op.stop.aborted())
        co_return fail(
            op, reset ? errc::connection_lost : errc::connect_failed,
            "no connection to " + next_hop() + "; check host, port, and whether the server runs",
            ec);
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    co_return result<void>();
}

// What the proxy says is of interest up to the end of its header, and that it has to come to.
task<result<void>> connection::tunnel(operation_context& op)
{
    stop_state::scope const scope(op.stop, *this);
    // It may repeat what it was given.
    std::vector<char, wiping_allocator<char>> response(8 * 1024);
    std::size_t size = 0;
    std::string_view request = where_->tunnel_request.view();
    error_code ec;
    for (bool more = true; more && !ec;)
    {
        auto next = send_plain(request, ec);
        if (next == need::nothing && !ec)
            next = need::input;
        std::span<char> const into(response.data() + size, response.size() - size);
        std::size_t got = 0;
        if (!ec)
            std::tie(ec, got) = co_await async_ready(next, into, op);
        size += got;
        more = size < response.size() &&
               std::string_view(response.data(), size).find("\r\n\r\n") == std::string::npos;
    }
    auto outcome = check_tunnel_response(op, ec, std::string_view(response.data(), size));
    co_return outcome;
}

result<void>
connection::check_tunnel_response(operation_context& op, error_code ec, std::string_view response)
{
    if (ec || op.stop.aborted())
        return fail(
            op, errc::connection_lost, "the proxy " + proxy() + " broke off during CONNECT", ec);
    bool const http = begins_with_status(response);
    bool const granted = http && response[9] == '2';
    // What follows would be taken for the server's.
    if (granted && response.find("\r\n\r\n") + 4 == response.size())
        return {};
    std::string said =
        http ? std::string(response.substr(9, 3)) : std::string("something that is not HTTP");
    if (granted)
        said += ", and not just a header,";
    auto info = fail(
                    op, errc::proxy_refused,
                    "the proxy " + proxy() + " responded " + said + " to CONNECT " + peer() +
                        "; check proxy.url, proxy.user and proxy.password, and what it allows",
                    {})
                    .info();
    auto const status = said.c_str();
    info.http_status = http ? static_cast<unsigned>(std::strtoul(status, nullptr, 10)) : 0;
    return error(errc::proxy_refused, std::move(info));
}

task<result<void>> connection::handshake(operation_context& op)
{
    op.phases.enter(phase::tls);
    stop_state::scope const scope(op.stop, *this);
    auto const started = start_tls(op);
    if (!started)
        co_return started.error();
    error_code ec;
    std::size_t received = 0;
    last_step_ = step::failed;
    if (!tls_->expect(where_->host, where_->ip_literal))
        ec = tls_->failure();
    while (!ec && !op.stop.aborted())
    {
        auto const next = shake_hands();
        if (next == need::nothing)
            break;
        std::size_t size = 0;
        std::tie(ec, size) = co_await async_ready(next, input(next), op);
        if (next == need::input)
            feed(ec, size);
        received += size;
        if (received > longest_handshake)
            co_return fail(
                op, errc::tls_failed, peer() + " does not come to an end of the TLS handshake", {});
    }
    if (last_step_ != step::done || op.stop.aborted())
        co_return fail_handshake(op, ec);
    op.phases.leave();
    co_return result<void>();
}

result<void> connection::start_tls(operation_context& op)
{
    std::string owner = peer();
    if (where_->certificate)
        shown_ = where_->certificate->present();
    if (shown_)
    {
        // It was good when it was read, but that may be long ago.
        if (auto const good = shown_->check_dates(); !good)
            return fail(op, good.error().value(), std::string(good.error().context()), {});
        owner += shown_->fingerprint();
    }
    tls_ = tls_engine::make(where_->tls, socket_.native_handle(), std::move(owner));
    if (!tls_ || (shown_ && !tls_->offer(*shown_)))
        return fail(op, errc::out_of_memory, {}, asio::error::no_memory);
    return {};
}

bool connection::uses_current_certificate() const
{
    if (!shown_)
        return true;
    auto const present = where_->certificate->present();
    return present == shown_ || present->fingerprint() == shown_->fingerprint();
}

connection::need connection::need_of(step last)
{
    if (last == step::want_read)
        return need::input;
    return last == step::want_write ? need::room : need::nothing;
}

std::span<char> connection::input(need what)
{
    if (what != need::input)
        return {};
    return tls_ ? tls_->input() : reader_.prepare();
}

// Takes in what was read; the end of the stream is for the layer above to judge.
void connection::feed(error_code& ec, std::size_t size)
{
    bool const end = ec == asio::error::eof;
    if (end)
        ec = {};
    if (ec)
        return;
    if (!tls_)
        response_ = end ? reader_.finish(true) : reader_.commit(size);
    else if (end)
        tls_->feed_end();
    else
    {
        response_ = reader_.pass(size);
        tls_->feed(size);
    }
    saw_record_ = saw_record_ || size != 0;
}

connection::need connection::shake_hands()
{
    last_step_ = tls_->handshake();
    return need_of(last_step_);
}

connection::need connection::send_plain(std::string_view& bytes, error_code& ec)
{
    while (!ec && !bytes.empty())
        bytes.remove_prefix(socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec));
    if (ec != asio::error::would_block && ec != asio::error::interrupted)
        return need::nothing;
    ec = {};
    return need::room;
}

connection::need connection::send(std::string_view& bytes, error_code& ec)
{
    if (!tls_)
        return send_plain(bytes, ec);
    last_step_ = tls_->write(bytes);
    bool const broken = last_step_ == step::end || last_step_ == step::truncated;
    if (broken || last_step_ == step::failed)
        ec = broken ? error_code(asio::error::connection_reset) : tls_->failure();
    return need_of(last_step_);
}

connection::need connection::receive(error_code& ec)
{
    while (!ec && response_ == http_response_parser::state::more)
    {
        std::size_t size = 0;
        last_step_ = tls_ ? tls_->read(reader_.prepare(), size) : step::want_read;
        if (need_of(last_step_) != need::nothing)
            return need_of(last_step_);
        if (last_step_ == step::done)
            response_ = reader_.commit(size);
        else if (last_step_ == step::failed)
            ec = tls_->failure();
        else
            response_ = reader_.finish(last_step_ == step::end);
    }
    return need::nothing;
}

connection::need
connection::send_and_receive(std::string_view& request, operation_context& op, error_code& ec)
{
    if (!request.empty())
    {
        auto const next = send(request, ec);
        if (next != need::nothing || ec)
            return next;
        op.phases.leave();
        op.phases.enter(phase::response);
    }
    return receive(ec);
}

// One coroutine for the whole of it: here a frame for each step would cost most.
task<result<exchange_outcome>> connection::exchange(std::string_view request, operation_context& op)
{
    stop_state::scope const scope(op.stop, *this);
    exchange_outcome outcome;
    reusable_ = false;
    died_silently_ = false;
    saw_record_ = false;
    reader_.restart();
    response_ = http_response_parser::state::more;
    op.phases.enter(phase::request);
    error_code ec;
    std::size_t size = 0;
    auto heard = ++requests_ == 1 ? read_unsolicited(ec) : need::input;
    while (heard == need::room && !ec)
    {
        std::tie(ec, size) = co_await async_ready(heard, input(heard), op);
        if (!ec)
            heard = read_unsolicited(ec);
    }
    if (heard != need::input || ec)
        co_return unsolicited_data_error(op, ec);
    outcome.sent = std::chrono::system_clock::now();
    outcome.sent_steady = std::chrono::steady_clock::now();
    auto next = send_and_receive(request, op, ec);
    while (next != need::nothing && !ec)
    {
        std::tie(ec, size) = co_await async_ready(next, input(next), op);
        if (next == need::input)
            feed(ec, size);
        if (!ec)
            next = send_and_receive(request, op, ec);
    }
    if (!request.empty())
        co_return fail_request(op, ec);
    if (ec || !reader_.complete() || op.stop.aborted())
        co_return fail_response(op, ec);
    reusable_ = reader_.reusable();
    op.phases.leave();
    outcome.response = reader_.take();
    co_return outcome;
}

connection::need connection::read_unsolicited(error_code& ec)
{
    for (int reads = 0; reads < 8; ++reads)
    {
        auto const next = receive(ec);
        if (next != need::input || reader_.started())
            return reader_.started() ? need::nothing : next;
        auto const into = input(need::input);
        auto const got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
        if (got < 0)
            return need::input;
        if (got == 0)
            ec = asio::error::eof;
        feed(ec, static_cast<std::size_t>(got));
    }
    return need::room;
}

bool connection::quiet()
{
    // Session tickets may still come, but not without end.
    for (int records = 0; records < 4; ++records)
    {
        char byte = 0;
        std::size_t size = 0;
        if (tls_ && tls_->read({&byte, 1}, size) != step::want_read)
            return false;
        std::span<char> const into = tls_ ? tls_->input() : std::span<char>(&byte, 1);
        auto const got = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
        if (got < 0)
            return (errno == EAGAIN || errno == EWOULDBLOCK) && !(tls_ && tls_->within_record());
        if (got == 0 || !tls_)
            return false;
        tls_->feed(static_cast<std::size_t>(got));
    }
    return false;
}

} // namespace coauth::net
