#include "testing/connection.hpp"

#include "testing/clamp_duration.hpp"
#include "testing/client_authenticator.hpp"
#include "testing/close_socket.hpp"
#include "testing/endpoints.hpp"
#include "testing/response_writer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <type_traits>
#include <utility>

namespace coauth::testing
{

namespace
{

namespace asio = boost::asio;
namespace http = boost::beast::http;

using boost::system::error_code;
using tcp = asio::ip::tcp;
using tls_stream = asio::ssl::stream<tcp::socket>;

constexpr std::size_t block_size = 16 * 1024;

tcp::socket& transport(tcp::socket& stream)
{
    return stream;
}
tcp::socket& transport(tls_stream& stream)
{
    return stream.next_layer();
}

template <class Stream>
class connection : public std::enable_shared_from_this<connection<Stream>>
{
public:
    connection(Stream stream, connection_context const& context)
        : stream_(std::move(stream))
        , context_(context)
        , timer_(stream_.get_executor())
    {
    }

    void start()
    {
        if constexpr (is_tls)
            do_handshake();
        else
            read_request();
    }

private:
    static constexpr bool is_tls = std::is_same_v<Stream, tls_stream>;

    void do_handshake()
    {
        stream_.async_handshake(
            tls_stream::server,
            [self = this->shared_from_this()](error_code ec) { self->on_handshake(ec); });
    }

    void on_handshake(error_code ec)
    {
        SSL* const tls = stream_.native_handle();
        char const* const name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
        context_.log.set_server_name(name ? name : "");
        if (ec)
            return close_gracefully(transport(stream_));
        ++context_.log.handshakes;
        if (SSL_session_reused(tls))
            ++context_.log.resumed;
        certificate_ = read_client_certificate(tls);
        read_request();
    }

    void read_request()
    {
        parser_.emplace();
        parser_->eager(true);
        request_bytes_.clear();
        parse();
    }

    void read()
    {
        stream_.async_read_some(
            asio::buffer(block_), [self = this->shared_from_this()](error_code ec, std::size_t size)
            { self->on_read(ec, size); });
    }

    void on_read(error_code ec, std::size_t size)
    {
        context_.log.bytes_received += size;
        if (ec)
            return close_gracefully(transport(stream_));
        input_.append(block_.data(), size);
        parse();
    }

    void parse()
    {
        error_code ec;
        while (!input_.empty() && !ec && !parser_->is_done())
        {
            auto const consumed = parser_->put(asio::buffer(input_), ec);
            request_bytes_.append(input_, 0, consumed);
            input_.erase(0, consumed);
            if (consumed == 0)
                break;
        }
        if (ec && ec != http::error::need_more)
            return reject();
        if (!parser_->is_done())
            return read();
        on_request();
    }

    // The input is not HTTP.
    void reject()
    {
        response_ = response();
        response_.status = 400;
        response_.end = response_end::close;
        keep_alive_ = false;
        send();
    }

    void on_request()
    {
        auto const request = take_request();
        keep_alive_ = parser_->keep_alive();
        auto scripted = context_.log.record(request);
        response_ = scripted ? std::move(*scripted)
                             : handle_request(context_.server, request, certificate_);
        ++requests_served_;
        if (response_.delay.count() == 0)
            return send();
        wait(response_.delay, &connection::send);
    }

    received_request take_request()
    {
        auto const& message = parser_->get();
        received_request request;
        request.method = std::string(message.method_string());
        request.target = std::string(message.target());
        for (auto const& field : message)
            request.headers.add(std::string(field.name_string()), std::string(field.value()));
        request.body = message.body();
        request.bytes = std::move(request_bytes_);
        request.earlier_on_connection = requests_served_;
        record_client(context_.server, request, certificate_);
        return request;
    }

    void wait(std::chrono::milliseconds duration, void (connection::*next)())
    {
        timer_.expires_after(clamp_duration(duration));
        timer_.async_wait(
            [self = this->shared_from_this(), next](error_code ec)
            {
                if (!ec)
                    (*self.*next)();
            });
    }

    void send()
    {
        output_ = to_wire(response_, keep_alive_);
        written_ = 0;
        if (response_.repeat_from)
            lengthen_repeated_part();
        write();
    }

    // Repeats a short part many times in the output, so that one write sends all of them.
    void lengthen_repeated_part()
    {
        auto const repeated = output_.substr(std::min(*response_.repeat_from, output_.size()));
        if (repeated.empty())
            return response_.repeat_from.reset();
        while (output_.size() < block_size)
            output_ += repeated;
    }

    void write()
    {
        if (written_ == output_.size())
        {
            if (!response_.repeat_from)
                return finish();
            written_ = *response_.repeat_from;
        }
        auto const rest = output_.size() - written_;
        auto const size = response_.piece == 0 ? rest : std::min(response_.piece, rest);
        stream_.async_write_some(
            asio::buffer(output_.data() + written_, size),
            [self = this->shared_from_this()](error_code ec, std::size_t written)
            { self->on_written(ec, written); });
    }

    void on_written(error_code ec, std::size_t size)
    {
        context_.log.bytes_sent += size;
        if (ec)
            return close_gracefully(transport(stream_));
        written_ += size;
        bool const more = written_ < output_.size() || response_.repeat_from;
        if (more && response_.piece_delay.count() > 0)
            return wait(response_.piece_delay, &connection::write);
        write();
    }

    void finish()
    {
        switch (response_.end)
        {
        case response_end::keep_alive:
            return keep_alive_ ? read_request() : close();
        case response_end::close:
            return close();
        case response_end::truncate:
            return close_gracefully(transport(stream_));
        case response_end::reset:
            return reset(transport(stream_));
        case response_end::stall:
            return discard_input(std::move(transport(stream_)));
        }
    }

    void close()
    {
        if constexpr (is_tls)
        {
            // Send close_notify and do not wait for that of the peer.
            SSL_set_shutdown(stream_.native_handle(), SSL_RECEIVED_SHUTDOWN);
            stream_.async_shutdown([self = this->shared_from_this()](error_code)
                                   { close_gracefully(transport(self->stream_)); });
        }
        else
            close_gracefully(stream_);
    }

    Stream stream_;
    connection_context context_;
    client_certificate certificate_;
    asio::steady_timer timer_;
    std::array<char, block_size> block_;
    std::string input_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::string request_bytes_;
    unsigned requests_served_ = 0;
    bool keep_alive_ = false;
    response response_;
    std::string output_;
    std::size_t written_ = 0;
};

void serve_tls(tcp::socket socket, connection_context const& context)
{
    std::make_shared<connection<tls_stream>>(tls_stream(std::move(socket), *context.tls), context)
        ->start();
}

void serve_plain(tcp::socket socket, connection_context const& context)
{
    std::make_shared<connection<tcp::socket>>(std::move(socket), context)->start();
}

} // namespace

void serve(tcp::socket socket, connection_context const& context)
{
    context.log.count_connection();
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);

    switch (context.options.connection_fault)
    {
    case connection_fault::close_at_accept:
        return close_gracefully(socket);
    case connection_fault::reset_at_accept:
        return reset(socket);
    case connection_fault::silence:
        return discard_input(std::move(socket));
    case connection_fault::plain_text:
        return send_and_discard_input(std::move(socket), context.options.plain_text);
    case connection_fault::none:
        break;
    }
    if (context.tls)
        serve_tls(std::move(socket), context);
    else
        serve_plain(std::move(socket), context);
}

} // namespace coauth::testing
