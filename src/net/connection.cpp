#include "net/connection.hpp"

#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace coauth::net
{

namespace asio = boost::asio;
using boost::system::error_code;
using state = http_response_parser::state;

connection::connection(
    asio::any_io_executor const& executor, std::shared_ptr<net::target const> const& target)
    : stream_(executor, target)
    , parser_(target->limits, target->all_headers)
{
}

connection::~connection() = default;

std::span<char> connection::input_buffer(wait_kind kind)
{
    return kind == wait_kind::input ? parser_.prepare() : std::span<char>();
}

void connection::on_input(error_code& ec, std::size_t size)
{
    stream_.on_input(ec, size);
    if (!ec && stream_.encrypted())
        response_state_ = parser_.count_tls_bytes(size);
    saw_input_ = saw_input_ || size != 0;
}

connection::wait_kind connection::receive(error_code& ec)
{
    while (!ec && response_state_ == state::more)
    {
        std::size_t size = 0;
        auto const next = stream_.try_read(parser_.prepare(), size, ec);
        if (next != wait_kind::nothing)
            return next;
        bool const authenticated_end = ec == asio::error::eof;
        if (authenticated_end || ec == asio::ssl::error::stream_truncated)
        {
            ec = {};
            saw_close_notify_ = authenticated_end && stream_.encrypted();
            response_state_ = parser_.on_eof(authenticated_end);
        }
        else if (!ec)
            response_state_ = parser_.commit(size);
    }
    return wait_kind::nothing;
}

connection::wait_kind connection::send_and_receive(operation_context& op, error_code& ec)
{
    if (!request_.empty())
    {
        auto const next = stream_.try_write(request_, ec);
        if (next != wait_kind::nothing || ec)
            return next;
        op.phases.leave();
        op.phases.enter(phase::response);
    }
    auto const next = receive(ec);
    return next == wait_kind::input && std::exchange(takes_turn_, false) ? wait_kind::turn : next;
}

// A response that is there is read without a wait. If it is not, the turn was taken in vain.
void connection::read_early(error_code& ec)
{
    constexpr int most = 63;
    std::size_t size = 0;
    if (!stream_.try_receive(parser_.prepare(), size))
    {
        late_responses_ = std::min(2 * late_responses_ + 1, most);
        without_turn_ = late_responses_;
        return;
    }
    late_responses_ = 0;
    if (size == 0)
        ec = asio::error::eof;
    on_input(ec, size);
}

connection::wait_kind
connection::advance(wait_kind waited, std::size_t size, operation_context& op, error_code& ec)
{
    if (waited == wait_kind::input)
        on_input(ec, size);
    if (ec == asio::error::operation_aborted && op.stop.take_interruption())
    {
        is_silent_ = !saw_input_;
        if (is_silent_)
            return wait_kind::nothing;
        ec = {};
    }
    if (waited == wait_kind::turn && !ec)
        read_early(ec);
    return ec ? wait_kind::nothing : send_and_receive(op, ec);
}

// One coroutine for all of it: here a frame for each step would cost most.
task<result<exchange_outcome>>
connection::exchange(std::string_view request, operation_context& op, bool others_run)
{
    byte_stream::scope const covered(stream_, op.stop);
    request_ = request;
    reusable_ = false;
    closed_before_response_ = false;
    is_silent_ = false;
    saw_input_ = false;
    saw_close_notify_ = false;
    takes_turn_ = others_run && without_turn_ == 0;
    without_turn_ -= without_turn_ != 0 ? 1 : 0;
    stream_.begin_request();
    parser_.restart();
    response_state_ = state::more;
    op.phases.enter(phase::request);
    error_code ec;
    std::size_t size = 0;
    auto early = ++requests_ == 1 ? read_unsolicited(ec) : wait_kind::input;
    while (early == wait_kind::writable && !ec)
    {
        std::tie(ec, size) = co_await stream_.async_ready(early, input_buffer(early), op);
        if (!ec)
            early = read_unsolicited(ec);
    }
    if (early != wait_kind::input || ec)
        co_return fail_unsolicited(op, ec);
    sent_ = std::chrono::system_clock::now();
    sent_steady_ = std::chrono::steady_clock::now();
    auto next = send_and_receive(op, ec);
    while (next != wait_kind::nothing && !ec)
    {
        std::tie(ec, size) = co_await stream_.async_ready(next, input_buffer(next), op);
        next = advance(next, size, op, ec);
    }
    co_return finish(op, ec);
}

task<result<exchange_outcome>> connection::resume_exchange(operation_context& op)
{
    byte_stream::scope const covered(stream_, op.stop);
    is_silent_ = false;
    error_code ec;
    std::size_t size = 0;
    auto next = send_and_receive(op, ec);
    while (next != wait_kind::nothing && !ec)
    {
        std::tie(ec, size) = co_await stream_.async_ready(next, input_buffer(next), op);
        next = advance(next, size, op, ec);
    }
    co_return finish(op, ec);
}

result<exchange_outcome> connection::finish(operation_context& op, error_code ec)
{
    if (is_silent_)
        return error(errc::connection_lost);
    if (!request_.empty())
        return fail_request(op, ec);
    if (ec || !parser_.complete() || op.stop.aborted())
        return fail_response(op, ec);
    reusable_ = parser_.reusable();
    op.phases.leave();
    last_used_ = std::chrono::steady_clock::now();
    return exchange_outcome{parser_.take(), sent_, sent_steady_, last_used_};
}

connection::wait_kind connection::read_unsolicited(error_code& ec)
{
    for (int reads = 0; reads < 8; ++reads)
    {
        auto const next = receive(ec);
        if (next != wait_kind::input || parser_.started())
            return parser_.started() ? wait_kind::nothing : next;
        std::size_t size = 0;
        if (!stream_.try_receive(parser_.prepare(), size))
            return wait_kind::input;
        if (size == 0)
            ec = asio::error::eof;
        on_input(ec, size);
    }
    return wait_kind::writable;
}

// It is not known which request it was meant for (RFC 9112 section 9.2): no later response on the
// connection can be trusted either.
error connection::fail_unsolicited(operation_context& op, error_code ec)
{
    if (!parser_.started())
        return fail_response(op, ec);
    return stream_.fail(
        op, errc::malformed_http, stream_.peer() + " sent data before a request", ec);
}

error connection::fail_request(operation_context& op, error_code ec)
{
    closed_before_response_ = ec != asio::error::no_memory;
    if (!closed_before_response_)
        return stream_.fail(op, errc::out_of_memory, {}, ec);
    return stream_.fail(
        op, errc::connection_lost,
        "the connection to " + stream_.peer() + " broke during the request", ec);
}

error connection::fail_response(operation_context& op, error_code ec)
{
    if (ec == asio::error::no_memory)
        return stream_.fail(op, errc::out_of_memory, {}, ec);
    // A broken connection ends the message as any other end that is not authentic.
    if (ec.category() == asio::error::get_system_category() && ec &&
        ec != asio::error::operation_aborted)
        (void)parser_.on_eof(false);
    auto const& failure = parser_.failure();
    closed_before_response_ = !parser_.started() && (!saw_input_ || saw_close_notify_);
    if (ec && ec.category() == asio::error::get_ssl_category())
        return stream_.fail(
            op, errc::tls_failed, "the TLS connection to " + stream_.peer() + " failed", ec);
    return stream_.fail(
        op, failure.value(), stream_.peer() + ": " + std::string(failure.context()),
        failure.cause() ? failure.cause() : ec);
}

} // namespace coauth::net
