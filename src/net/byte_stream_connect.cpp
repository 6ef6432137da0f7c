#include "net/byte_stream.hpp"
#include "net/happy_eyeballs.hpp"

#include <boost/asio/ip/address.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <tuple>
#include <utility>

// How a stream is opened: name, address, proxy, TLS.

namespace coauth::net
{

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using step = tls_engine::step;

namespace
{

// OpenSSL takes at most 100 KiB of certificates, but some messages any number of times.
constexpr std::size_t handshake_limit = std::size_t(512) * 1024;

void set_option(int socket, int level, int name, int value)
{
    (void)::setsockopt(socket, level, name, &value, sizeof value);
}

// A peer that has gone without a FIN is noticed within 30 s, also on an idle connection.
void set_options(int socket)
{
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
#ifdef TCP_USER_TIMEOUT
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
#endif
}

} // namespace

task<result<void>> byte_stream::connect(operation_context& op)
{
    endpoints found;
    auto outcome = load_tls_parameters();
    if (outcome)
        outcome = co_await lookup(op, found);
    if (outcome)
        outcome = co_await connect_socket(op, found);
    if (outcome && target_->proxy_tls)
        outcome = co_await handshake(op, tls_peer::proxy);
    if (outcome && !target_->tunnel_request.empty())
        outcome = co_await open_tunnel(op);
    if (outcome)
        op.phases.leave();
    if (outcome && target_->tls)
    {
        op.phases.enter(phase::tls);
        outcome = co_await handshake(op, tls_peer::server);
        if (outcome)
            op.phases.leave();
    }
    co_return outcome;
}

// Before a socket is opened: without them there is nothing to connect for.
result<void> byte_stream::load_tls_parameters()
{
    auto* const source = target_->any_tls();
    if (source == nullptr)
        return {};
    auto current = source->current();
    if (!current)
        return current.error();
    tls_parameters_ = std::move(*current);
    // It was valid when it was read, which may be long ago.
    auto const& certificate = tls_parameters_.certificate;
    return certificate ? certificate->check_dates() : result<void>();
}

task<result<void>> byte_stream::lookup(operation_context& op, endpoints& found)
{
    op.phases.enter(phase::lookup);
    bool const proxied = !target_->tunnel_request.empty();
    std::string const& host = proxied ? target_->proxy_host : target_->host;
    std::uint16_t const port = proxied ? target_->proxy_port : target_->port;
    error_code ec;
    auto const address = asio::ip::make_address(host, ec);
    if (!ec)
        found.emplace_back(address, port);
    else
    {
        resolver::waiter waiter(target_->lookups);
        stop_state::scope const covered(op.stop, waiter);
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

task<result<void>> byte_stream::connect_socket(operation_context& op, endpoints const& found)
{
    op.phases.enter(phase::connect);
    auto attempts = std::make_shared<happy_eyeballs>(
        socket_.get_executor(), found, target_->connection_attempt_delay);
    error_code ec;
    {
        happy_eyeballs::waiter waiter(attempts);
        stop_state::scope const covered(op.stop, waiter);
        // Its pending connects own it.
        auto const begin = [&](happy_eyeballs::handler handler)
        { std::exchange(attempts, nullptr)->begin(std::move(handler)); };
        std::optional<tcp::socket> connected;
        std::tie(ec, connected) = co_await wait_for<error_code, std::optional<tcp::socket>>(
            op, begin, asio::error::no_memory, {});
        if (connected)
            socket_ = std::move(*connected);
    }
    connect_failure_ = ec;
    // A reset right after the connect: the server had accepted it.
    bool const reset = ec == asio::error::connection_reset;
    if (ec || op.stop.aborted())
        co_return fail(
            op, reset ? errc::connection_lost : errc::connect_failed,
            "no connection to " + next_hop() + "; check host, port, and whether the server runs",
            ec);
    error_code ignored;
    socket_.non_blocking(true, ignored);
    set_options(socket_.native_handle());
    co_return result<void>();
}

task<result<void>> byte_stream::handshake(operation_context& op, tls_peer with)
{
    scope const covered(*this, op.stop);
    auto const started = start_tls(op, with);
    if (!started)
        co_return started.error();
    error_code ec;
    std::size_t received = 0;
    last_step_ = step::failed;
    bool const host_set =
        with == tls_peer::proxy
            ? tls_->set_verify_host(target_->proxy_host, target_->proxy_ip_literal)
            : tls_->set_verify_host(target_->host, target_->ip_literal);
    if (!host_set)
        ec = tls_->failure();
    while (!ec && !op.stop.aborted())
    {
        auto const next = handshake_step();
        if (next == wait_kind::nothing)
            break;
        std::size_t size = 0;
        std::span<char> const none;
        std::tie(ec, size) = co_await async_ready(next, none, op);
        if (next == wait_kind::input)
            on_input(ec, size);
        received += size;
        if (received > handshake_limit)
            co_return fail(
                op, errc::tls_failed, name_of(with) + " does not finish the TLS handshake", {});
    }
    if (last_step_ != step::done || op.stop.aborted())
        co_return fail_handshake(op, with, ec);
    co_return result<void>();
}

result<void> byte_stream::start_tls(operation_context& op, tls_peer with)
{
    bool const to_proxy = with == tls_peer::proxy;
    std::string session_peer = to_proxy ? proxy() : peer();
    auto const& context = tls_parameters_.context;
    // The client's certificate is for the server alone.
    auto const* const certificate = to_proxy ? nullptr : tls_parameters_.certificate.get();
    if (certificate != nullptr)
        session_peer += certificate->fingerprint();
    if (tls_)
        tls_ = tls_engine::make_within(std::move(tls_), context, std::move(session_peer));
    else
        tls_ = tls_engine::make(context, socket_.native_handle(), std::move(session_peer));
    if (!tls_)
        return fail(op, errc::out_of_memory, {}, asio::error::no_memory);
    auto const used = certificate != nullptr ? tls_->use_certificate(*certificate) : result<void>();
    if (!used)
        return fail(op, used.error().value(), std::string(used.error().context()), {});
    return {};
}

byte_stream::wait_kind byte_stream::handshake_step()
{
    last_step_ = tls_->handshake();
    return wait_kind_of(last_step_);
}

} // namespace coauth::net
