#include "net/http_response_parser.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/optional/optional.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coauth::net
{
namespace
{

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

// Chunk framing, informational responses and trailers come on top of header and body.
constexpr std::size_t framing_overhead_limit = 64 * 1024;
// TLS has its own framing, session tickets and more.
constexpr std::size_t tls_allowance = std::size_t(1024) * 1024;
constexpr std::size_t first_buffer = 4 * 1024;
// "0", and two line ends. Some parsers assert that they have as much when they look at one again.
constexpr std::size_t shortest_chunk = 5;

error failure_of(errc code, std::string context, error_code cause = {})
{
    error_info info;
    info.context = std::move(context);
    info.cause = cause;
    return {code, std::move(info)};
}

bool only_digits(beast::string_view text)
{
    return !text.empty() && text.size() < 20 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class parser : public http::basic_parser<false>
{
public:
    parser(response_limits const& limits, bool all_headers)
        : limits_(limits)
        , all_headers_(all_headers)
    {
        this->eager(true);
        this->header_limit(static_cast<std::uint32_t>(
            std::min<std::size_t>(limits.header, std::numeric_limits<std::uint32_t>::max())));
        this->body_limit(limits.body);
    }

    http_response response;
    // The line of the last chunk was read: what is left is trailers. Before Boost 1.87 they are
    // read with it.
    bool last_chunk = false;

    // The server has done with the connection, though HTTP's own rules may let it be kept: with 408
    // (RFC 9110 section 15.5.9), and with "close" beside anything else (RFC 9112 section 9.3).
    [[nodiscard]] bool given_up() const { return closes_ || response.status == 408; }

private:
    void on_request_impl(
        http::verb, beast::string_view, beast::string_view, int, error_code& ec) override
    {
        ec = http::error::bad_method;
    }

    void on_response_impl(int status, beast::string_view, int version, error_code& ec) override
    {
        response.status = static_cast<unsigned>(status);
        http_1_0_ = version < 11;
        if (status < 100 || status > 599)
            ec = http::error::bad_status;
    }

    void on_field_impl(
        http::field field, beast::string_view name, beast::string_view value,
        error_code& ec) override
    {
        // The parser's own limit begins anew with each piece of a header.
        size_ += name.size() + value.size();
        if (size_ > limits_.header)
            ec = http::error::header_limit;
        if (ec)
            return;
        if (header_done_)
            return check_trailer(field, ec);
        if (field == http::field::connection)
            closes_ = closes_ || http::token_list(value).exists("close");
        if (field == http::field::content_length)
            check_length(value, ec);
        if (field == http::field::transfer_encoding)
            check_coding(value, ec);
        if (!ec && (all_headers_ || is_needed(field, name)))
            response.headers.add(
                std::string(name.data(), name.size()), std::string(value.data(), value.size()));
    }

#if BOOST_VERSION >= 109000
    void on_trailer_field_impl(
        http::field field, beast::string_view name, beast::string_view value,
        error_code& ec) override
    {
        on_field_impl(field, name, value, ec);
    }
#endif

    [[nodiscard]] bool is_needed(http::field field, beast::string_view name) const
    {
        return field == http::field::content_type || field == http::field::content_encoding ||
               field == http::field::retry_after || beast::iequals(name, "DPoP-Nonce") ||
               beast::iequals(name, "X-Rate-Limit-Reset") ||
               (response.status >= 400 &&
                (field == http::field::date || field == http::field::www_authenticate));
    }

    // A second length, even the same one, or anything but digits is a sign of smuggling.
    void check_length(beast::string_view value, error_code& ec)
    {
        if (std::exchange(has_length_, true) || !only_digits(value))
            ec = http::error::bad_content_length;
    }

    void check_coding(beast::string_view value, error_code& ec) const
    {
        if (http_1_0_ || has_length_ || !beast::iequals(value, "chunked"))
            ec = http::error::bad_transfer_encoding;
    }

    // Trailers are ignored, but those that would change the framing are not harmless.
    static void check_trailer(http::field field, error_code& ec)
    {
        if (field == http::field::content_length || field == http::field::transfer_encoding)
            ec = http::error::bad_transfer_encoding;
    }

    void on_header_impl(error_code&) override { header_done_ = true; }
    void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) override
    {
        if (length)
            response.body.reserve(static_cast<std::size_t>(*length));
    }
    std::size_t on_body_impl(beast::string_view bytes, error_code&) override
    {
        // Doubled, it would have room for what must not come.
        if (!has_length_ && response.body.size() + bytes.size() > limits_.body / 2)
            response.body.reserve(limits_.body);
        response.body.append(std::string_view(bytes.data(), bytes.size()));
        return bytes.size();
    }
    // In pieces it would not be waited for either.
    void
    on_chunk_header_impl(std::uint64_t size, beast::string_view extension, error_code& ec) override
    {
        last_chunk = size == 0;
        if (extension.size() > limits_.header)
            ec = http::error::header_limit;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code& ec) override
    {
        return on_body_impl(bytes, ec);
    }
    void on_finish_impl(error_code&) override {}

    response_limits const& limits_;
    bool all_headers_;
    // Of names and values, those of trailers included.
    std::size_t size_ = 0;
    bool header_done_ = false;
    bool http_1_0_ = false;
    bool has_length_ = false;
    bool closes_ = false;
};

} // namespace

class http_response_parser::impl
{
public:
    impl(response_limits const& limits, bool all_headers)
        : limits_(limits)
        , all_headers_(all_headers)
        , allowance_(limits.header + limits.body + limits.body / 4 + framing_overhead_limit)
    {
        restart();
    }

    void restart()
    {
        wipe(buffer_.data(), touched_);
        touched_ = 0;
        size_ = 0;
        received_ = 0;
        passed_ = 0;
        interims_ = 0;
        in_chunk_line_ = false;
        awaited_line_ = 0;
        complete_ = false;
        failure = {};
        parser_.emplace(limits_, all_headers_);
    }

    std::span<char> prepare()
    {
        if (size_ == buffer_.size())
            buffer_.resize(buffer_.empty() ? first_buffer : buffer_.size() * 2);
        return {buffer_.data() + size_, buffer_.size() - size_};
    }

    state commit(std::size_t size)
    {
        size_ += size;
        touched_ = std::max(touched_, size_);
        received_ += size;
        if (received_ > allowance_)
            return fail(too_large("more than " + std::to_string(allowance_) + " bytes in all"));
        return parse();
    }

    state pass(std::size_t size)
    {
        passed_ += size;
        auto const most = allowance_ + tls_allowance;
        if (passed_ > most)
            return fail(too_large("more than " + std::to_string(most) + " bytes of TLS"));
        return state::more;
    }

    state finish(bool proven)
    {
        if (!started())
            return fail(failure_of(errc::connection_lost, "it was closed without a response"));
        error_code ec = http::error::partial_message;
        // Without a length, only the end of the stream ends the body: it must be authentic.
        if (parser_->is_header_done() && proven)
            parser_->put_eof(ec);
        if (!ec)
            return finished();
        return fail(failure_of(
            errc::incomplete_response,
            "it was closed after " + std::to_string(received_) + " bytes of a response", ec));
    }

    [[nodiscard]] bool complete() const noexcept { return complete_; }
    [[nodiscard]] bool started() const noexcept { return received_ != 0; }
    [[nodiscard]] bool reusable() const noexcept
    {
        return parser_->is_done() && parser_->keep_alive() && !parser_->given_up() && size_ == 0;
    }

    error failure;

    http_response take() { return std::move(parser_->response); }

private:
    state parse()
    {
        while (size_ != 0)
        {
            if (in_chunk_line_ && size_ < shortest_chunk)
                return state::more;
            if (!line_came())
                return want_more();
            awaited_line_ = 0;
            error_code ec;
            std::size_t const used = parser_->put(boost::asio::buffer(buffer_.data(), size_), ec);
            consume(used);
            if (ec == http::error::need_more || is_long_line(ec))
                return want_more();
            in_chunk_line_ = false;
            if (ec)
                return fail(explain(ec));
            if (!parser_->is_done())
                continue;
            if (parser_->response.status >= 200)
                return finished();
            if (auto const next = skip_interim(); next != state::more)
                return next;
        }
        return state::more;
    }

    state finished()
    {
        complete_ = true;
        return state::complete;
    }

    // 100, 102, 103 and the like carry nothing for us; 101 would change the protocol.
    state skip_interim()
    {
        if (parser_->response.status == 101)
            return fail(failure_of(errc::malformed_http, "it switched protocols unasked (101)"));
        if (++interims_ > limits_.max_informational)
            return fail(too_large(
                "more than " + std::to_string(limits_.max_informational) +
                " informational (1xx) responses"));
        parser_.emplace(limits_, all_headers_);
        return state::more;
    }

    // What does not parse within the header's limit will never do.
    state want_more()
    {
        in_chunk_line_ = parser_->is_header_done() && !parser_->last_chunk;
        awaited_line_ = size_;
        if (size_ > limits_.header)
            return fail(too_large(
                "a header or chunk of more than " + std::to_string(limits_.header) + " bytes"));
        return state::more;
    }

    // Newer parsers give up on a chunk's first line of which the end has not come within 8 KiB. The
    // end of the chunk before may be there too.
    [[nodiscard]] bool is_long_line(error_code ec) const
    {
        return ec == http::error::bad_chunk_extension && !ends_line(2);
    }

    [[nodiscard]] bool ends_line(std::size_t from) const
    {
        return size_ > from && std::memchr(buffer_.data() + from, '\n', size_ - from) != nullptr;
    }

    // A line of which the end has not come is not looked through again with each piece of it.
    [[nodiscard]] bool line_came() const { return awaited_line_ == 0 || ends_line(awaited_line_); }

    void consume(std::size_t used)
    {
        size_ -= used;
        if (used != 0 && size_ != 0)
            std::memmove(buffer_.data(), buffer_.data() + used, size_);
    }

    state fail(error why)
    {
        failure = std::move(why);
        return state::failed;
    }

    static error too_large(std::string what)
    {
        return failure_of(errc::response_too_large, "it sent " + std::move(what));
    }

    [[nodiscard]] error explain(error_code ec) const
    {
        if (ec == http::error::header_limit)
            return too_large("more than " + std::to_string(limits_.header) + " bytes of header");
        if (ec == http::error::body_limit)
            return too_large("more than " + std::to_string(limits_.body) + " bytes of body");
        return failure_of(errc::malformed_http, "its response is not well-formed HTTP", ec);
    }

    response_limits limits_;
    bool all_headers_;
    std::size_t allowance_;
    std::vector<char, wiping_allocator<char>> buffer_;
    std::size_t size_ = 0;
    // How much of the buffer the present response has written to: it may hold a token.
    std::size_t touched_ = 0;
    std::size_t received_ = 0;
    std::size_t passed_ = 0;
    // The parser beneath wants more of a chunk's first line.
    bool in_chunk_line_ = false;
    // So many bytes were there when the parser beneath wanted more of a line; 0: it did not.
    std::size_t awaited_line_ = 0;
    bool complete_ = false;
    unsigned interims_ = 0;
    std::optional<parser> parser_;
};

http_response_parser::http_response_parser(response_limits const& limits, bool all_headers)
    : impl_(std::make_unique<impl>(limits, all_headers))
{
}
http_response_parser::~http_response_parser() = default;

std::span<char> http_response_parser::prepare()
{
    return impl_->prepare();
}
http_response_parser::state http_response_parser::commit(std::size_t size)
{
    return impl_->commit(size);
}
http_response_parser::state http_response_parser::pass(std::size_t size)
{
    return impl_->pass(size);
}
http_response_parser::state http_response_parser::finish(bool proven)
{
    return impl_->finish(proven);
}
void http_response_parser::restart()
{
    impl_->restart();
}
bool http_response_parser::complete() const noexcept
{
    return impl_->complete();
}
bool http_response_parser::started() const noexcept
{
    return impl_->started();
}
bool http_response_parser::reusable() const noexcept
{
    return impl_->reusable();
}
error const& http_response_parser::failure() const noexcept
{
    return impl_->failure;
}
http_response http_response_parser::take()
{
    return impl_->take();
}

} // namespace coauth::net
