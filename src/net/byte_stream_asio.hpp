#ifndef COAUTH_SRC_NET_BYTE_STREAM_ASIO_HPP
#define COAUTH_SRC_NET_BYTE_STREAM_ASIO_HPP

#include "net/byte_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <utility>

// The Asio interface of `byte_stream`, for Asio's and Beast's own algorithms.

namespace coauth::net
{

// One read or write, without its handler.
class byte_stream::transfer
{
public:
    transfer(byte_stream& stream, boost::asio::mutable_buffer buffer) noexcept
        : stream_(stream)
        , reads_(true)
        , read_buffer_(static_cast<char*>(buffer.data()), buffer.size())
    {
    }
    transfer(byte_stream& stream, boost::asio::const_buffer buffer) noexcept
        : stream_(stream)
        , write_buffer_(static_cast<char const*>(buffer.data()), buffer.size())
    {
    }

    // Goes as far as it can without waiting, after a wait that ended with `ec` and `size`. At the
    // end they are the result.
    wait_kind advance(error_code& ec, std::size_t& size);
    // Waits for what `advance` returned. False: the stream's stop state is aborted.
    template <class Handler>
    bool start_wait(Handler& handler);

private:
    wait_kind read(error_code& ec, std::size_t& size);
    wait_kind write(error_code& ec, std::size_t& size);

    byte_stream& stream_;
    bool reads_ = false;
    std::span<char> read_buffer_;
    std::string_view write_buffer_;
    wait_kind wait_kind_ = wait_kind::nothing;
    std::size_t received_ = 0;
};

template <class Handler>
bool byte_stream::transfer::start_wait(Handler& handler)
{
    auto& stream = stream_;
    auto const kind = wait_kind_;
    auto const input =
        kind == wait_kind::input ? stream.input_buffer(read_buffer_) : std::span<char>();
    std::exception_ptr failure;
    auto const start = [&]() noexcept
    {
        try
        {
            if (kind == wait_kind::input)
                stream.socket_.async_read_some(
                    boost::asio::buffer(input.data(), input.size()), std::move(handler));
            else
                stream.socket_.async_wait(
                    boost::asio::ip::tcp::socket::wait_write, std::move(handler));
        }
        catch (...)
        {
            failure = std::current_exception();
        }
    };
    bool started = true;
    if (stream.stop_ != nullptr)
        started = stream.stop_->start(start);
    else
        start();
    // The handler may have run in another thread by now.
    if (failure)
        std::rethrow_exception(failure);
    return started;
}

// The same as an operation composed by Asio.
class byte_stream::transfer_op
{
public:
    template <class Buffer>
    transfer_op(byte_stream& stream, Buffer buffer)
        : executor_(stream.get_executor())
        , transfer_(stream, buffer)
    {
    }

    template <class Self>
    void operator()(Self& self, error_code ec = {}, std::size_t size = 0)
    {
        if (std::exchange(posted_, false))
            return self.complete(result_, size_);
        auto const kind = transfer_.advance(ec, size);
        bool const initiating = std::exchange(initiating_, false);
        if (kind != wait_kind::nothing)
        {
            if (transfer_.start_wait(self))
                return;
            ec = boost::asio::error::operation_aborted;
        }
        if (!initiating)
            return self.complete(ec, size);
        // Never within the initiating function.
        posted_ = true;
        result_ = ec;
        size_ = size;
        auto const executor = executor_;
        boost::asio::post(executor, std::move(self));
    }

private:
    byte_stream::executor_type executor_;
    transfer transfer_;
    bool initiating_ = true;
    bool posted_ = false;
    error_code result_;
    std::size_t size_ = 0;
};

// The first that is not empty, or an empty one.
template <class Buffer, class Sequence>
Buffer first_buffer(Sequence const& sequence)
{
    auto const end = boost::asio::buffer_sequence_end(sequence);
    for (auto i = boost::asio::buffer_sequence_begin(sequence); i != end; ++i)
        if (Buffer const buffer(*i); buffer.size() != 0)
            return buffer;
    return {};
}

template <class MutableBuffers, class Token>
auto byte_stream::async_read_some(MutableBuffers const& buffers, Token&& token)
{
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(
        transfer_op(*this, first_buffer<boost::asio::mutable_buffer>(buffers)), token, socket_);
}

template <class ConstBuffers, class Token>
auto byte_stream::async_write_some(ConstBuffers const& buffers, Token&& token)
{
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(
        transfer_op(*this, first_buffer<boost::asio::const_buffer>(buffers)), token, socket_);
}

} // namespace coauth::net

#endif
