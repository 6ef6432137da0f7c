#include "net/byte_stream.hpp"

#include "net/byte_stream_asio.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace coauth::net
{

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using step = tls_engine::step;

byte_stream::byte_stream(executor_type const& executor, std::shared_ptr<stream_target const> target)
    : target_(std::move(target))
    , socket_(executor)
{
}

byte_stream::~byte_stream() = default;

void byte_stream::close() noexcept
{
    error_code ignored;
    tls_.reset();
    socket_.close(ignored);
}

void byte_stream::cancel() noexcept
{
    error_code ignored;
    socket_.cancel(ignored);
}

void byte_stream::begin_request() noexcept
{
    if (tls_)
        tls_->begin_request();
}

void byte_stream::begin_wait::operator()(continuation<error_code, std::size_t> handler)
{
    auto& socket = stream_.socket_;
    if (kind_ == wait_kind::input)
    {
        auto const input = stream_.input_buffer(buffer_);
        socket.async_read_some(asio::buffer(input.data(), input.size()), std::move(handler));
    }
    else if (kind_ == wait_kind::turn)
        asio::post(
            socket.get_executor(), asio::append(std::move(handler), error_code(), std::size_t(0)));
    else
        socket.async_wait(
            tcp::socket::wait_write, asio::append(std::move(handler), std::size_t(0)));
}

std::span<char> byte_stream::input_buffer(std::span<char> buffer)
{
    return tls_ ? tls_->input_buffer() : buffer;
}

void byte_stream::on_input(error_code& ec, std::size_t size)
{
    bool const end = ec == asio::error::eof;
    if (end)
        ec = {};
    if (ec)
        return;
    if (!tls_)
    {
        plain_received_ = size;
        plain_end_ = end;
    }
    else if (end)
        tls_->commit_eof();
    else
        tls_->commit_input(size);
}

byte_stream::wait_kind byte_stream::wait_kind_of(step last)
{
    if (last == step::want_read)
        return wait_kind::input;
    return last == step::want_write ? wait_kind::writable : wait_kind::nothing;
}

byte_stream::wait_kind byte_stream::try_write_plain(std::string_view& bytes, error_code& ec)
{
    while (!ec && !bytes.empty())
        bytes.remove_prefix(socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec));
    if (ec != asio::error::would_block && ec != asio::error::interrupted)
        return wait_kind::nothing;
    ec = {};
    return wait_kind::writable;
}

byte_stream::wait_kind byte_stream::try_write(std::string_view& bytes, error_code& ec)
{
    if (!tls_)
        return try_write_plain(bytes, ec);
    last_step_ = tls_->write(bytes);
    bool const broken = last_step_ == step::end || last_step_ == step::truncated;
    if (broken || last_step_ == step::failed)
        ec = broken ? error_code(asio::error::connection_reset) : tls_->failure();
    return wait_kind_of(last_step_);
}

byte_stream::wait_kind
byte_stream::try_read(std::span<char> buffer, std::size_t& size, error_code& ec)
{
    if (!tls_)
    {
        size = std::exchange(plain_received_, 0);
        if (size == 0 && plain_end_)
            ec = asio::error::eof;
        return size == 0 && !ec ? wait_kind::input : wait_kind::nothing;
    }
    last_step_ = tls_->read(buffer, size);
    if (last_step_ == step::end)
        ec = asio::error::eof;
    else if (last_step_ == step::truncated)
        ec = asio::ssl::error::stream_truncated;
    else if (last_step_ == step::failed)
        ec = tls_->failure();
    return wait_kind_of(last_step_);
}

bool byte_stream::try_receive(std::span<char> buffer, std::size_t& size)
{
    auto const input = input_buffer(buffer);
    auto const received = ::recv(socket_.native_handle(), input.data(), input.size(), MSG_DONTWAIT);
    if (received < 0)
        return false;
    size = static_cast<std::size_t>(received);
    return true;
}

bool byte_stream::has_pending_data()
{
    // Reading would take the parent's data.
    if (tls_ && tls_->belongs_to_parent())
        return true;
    // Session tickets may still arrive, but not without end.
    for (int records = 0; records < 4; ++records)
    {
        char byte = 0;
        std::size_t size = 0;
        if (tls_ && tls_->read({&byte, 1}, size) != step::want_read)
            return true;
        auto const input = input_buffer({&byte, 1});
        auto const received =
            ::recv(socket_.native_handle(), input.data(), input.size(), MSG_DONTWAIT);
        if (received < 0)
            return (errno != EAGAIN && errno != EWOULDBLOCK) || (tls_ && tls_->within_record());
        if (received == 0 || !tls_)
            return true;
        tls_->commit_input(static_cast<std::size_t>(received));
    }
    return true;
}

bool byte_stream::uses_current_tls(
    tls_source::clock::duration max_age, tls_source::clock::time_point now) const
{
    auto* const source = target_->any_tls();
    return source == nullptr || source->is_current(tls_parameters_, max_age, now);
}

byte_stream::wait_kind byte_stream::transfer::advance(error_code& ec, std::size_t& size)
{
    // Of TLS alone, without a byte of data.
    constexpr std::size_t received_limit = std::size_t(1024) * 1024;
    if (wait_kind_ == wait_kind::input)
    {
        received_ += size;
        stream_.on_input(ec, size);
    }
    size = 0;
    wait_kind_ = wait_kind::nothing;
    if (received_ > received_limit)
        ec = asio::error::message_size;
    if (!ec)
        wait_kind_ = reads_ ? read(ec, size) : write(ec, size);
    return wait_kind_;
}

byte_stream::wait_kind byte_stream::transfer::read(error_code& ec, std::size_t& size)
{
    return read_buffer_.empty() ? wait_kind::nothing : stream_.try_read(read_buffer_, size, ec);
}

byte_stream::wait_kind byte_stream::transfer::write(error_code& ec, std::size_t& size)
{
    // One record of TLS: whoever gives up before the next leaves nothing half written.
    constexpr std::size_t most = std::size_t(16) * 1024;
    auto const begin = write_buffer_.substr(0, most);
    auto rest = begin;
    auto const kind = stream_.try_write(rest, ec);
    size = begin.size() - rest.size();
    return size != 0 ? wait_kind::nothing : kind;
}

} // namespace coauth::net
