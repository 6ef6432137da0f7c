#include "net/http_response_parser.hpp"

#include "values/wipe.hpp"

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

// For chunk framing, informational responses and trailers, beside header and body.
constexpr std::size_t framing_overhead_limit = 64 * 1024;
// For the framing of TLS records, session tickets and the like.
constexpr std::size_t tls_overhead_limit = std::size_t(1024) * 1024;
// HTTP sets no limit on informational (1xx) responses before the final one, and a server could send
// them without end.
constexpr unsigned max_informational = 16;
constexpr std::size_t initial_buffer_size = 4 * 1024;
// "0" and two line ends. Some releases of Beast assert this many bytes when they parse a chunk's
// first line again.
constexpr std::size_t min_chunk_size = 5;

error make_failure(errc code, std::string context, error_code cause = {})
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
    // The line of the last chunk was parsed, and trailers follow. Before Boost 1.87 they are parsed
    // together with it.
    bool last_chunk = false;

    // Whether the server closes the connection: 408 (RFC 9110 section 15.5.9), or "close" beside
    // other options (RFC 9112 section 9.3). Beast's `keep_alive` knows neither.
    [[nodiscard]] bool closes_connection() const { return closes_ || response.status == 408; }

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
        // Beast's limit starts again with each piece of a header.
        fields_size_ += name.size() + value.size();
        if (fields_size_ > limits_.header)
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
               (response.status >= 300 && response.status < 400 &&
                field == http::field::location) ||
               (response.status >= 400 && is_needed_of_error(field, name));
    }

    // Why the server refused, and when to try again.
    static bool is_needed_of_error(http::field field, beast::string_view name)
    {
        if (field == http::field::date || field == http::field::www_authenticate)
            return true;
        std::string lower_case(name.data(), name.size());
        for (char& c : lower_case)
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        for (auto const* const part :
             {"ratelimit", "rate-limit", "retry-after", "x-amzn-errortype"})
            if (lower_case.find(part) != std::string::npos)
                return true;
        return false;
    }

    // A second length, even the same, or anything but digits may be request smuggling.
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
        // Doubling would reserve more than the limit.
        if (!has_length_ && response.body.size() + bytes.size() > limits_.body / 2)
            response.body.reserve(limits_.body);
        response.body.append(std::string_view(bytes.data(), bytes.size()));
        return bytes.size();
    }
    // The limit of a header holds for a chunk extension too.
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
    // Of names and values, trailers included.
    std::size_t fields_size_ = 0;
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
        , total_limit_(limits.header + limits.body + limits.body / 4 + framing_overhead_limit)
    {
        restart();
    }

    void restart()
    {
        detail::wipe(buffer_.data(), dirty_size_);
        dirty_size_ = 0;
        size_ = 0;
        received_ = 0;
        tls_received_ = 0;
        informational_ = 0;
        in_chunk_line_ = false;
        incomplete_line_ = 0;
        complete_ = false;
        failure = {};
        parser_.emplace(limits_, all_headers_);
    }

    std::span<char> prepare()
    {
        if (size_ == buffer_.size())
            buffer_.resize(buffer_.empty() ? initial_buffer_size : buffer_.size() * 2);
        return {buffer_.data() + size_, buffer_.size() - size_};
    }

    state commit(std::size_t size)
    {
        size_ += size;
        dirty_size_ = std::max(dirty_size_, size_);
        received_ += size;
        if (received_ > total_limit_)
            return fail(too_large("more than " + std::to_string(total_limit_) + " bytes in all"));
        return parse();
    }

    state count_tls_bytes(std::size_t size)
    {
        tls_received_ += size;
        auto const limit = total_limit_ + tls_overhead_limit;
        if (tls_received_ > limit)
            return fail(too_large("more than " + std::to_string(limit) + " bytes of TLS"));
        return state::more;
    }

    state on_eof(bool authenticated)
    {
        if (!started())
            return fail(make_failure(errc::connection_lost, "it was closed without a response"));
        error_code ec = http::error::partial_message;
        // A body without a length ends with the stream: the end must be authentic.
        if (parser_->is_header_done() && authenticated)
            parser_->put_eof(ec);
        if (!ec)
            return set_complete();
        return fail(make_failure(
            errc::incomplete_response,
            "it was closed after " + std::to_string(received_) + " bytes of a response", ec));
    }

    [[nodiscard]] bool complete() const noexcept { return complete_; }
    [[nodiscard]] bool started() const noexcept { return received_ != 0; }
    [[nodiscard]] bool reusable() const noexcept
    {
        return parser_->is_done() && parser_->keep_alive() && !parser_->closes_connection() &&
               size_ == 0;
    }

    error failure;

    http_response take() { return std::move(parser_->response); }

private:
    state parse()
    {
        while (size_ != 0)
        {
            if (in_chunk_line_ && size_ < min_chunk_size)
                return state::more;
            if (!has_line_end())
                return need_more();
            incomplete_line_ = 0;
            error_code ec;
            std::size_t const used = parser_->put(boost::asio::buffer(buffer_.data(), size_), ec);
            consume(used);
            if (ec == http::error::need_more || is_long_line(ec))
                return need_more();
            in_chunk_line_ = false;
            if (ec)
                return fail(to_error(ec));
            if (!parser_->is_done())
                continue;
            if (parser_->response.status >= 200)
                return set_complete();
            if (auto const next = skip_informational(); next != state::more)
                return next;
        }
        return state::more;
    }

    state set_complete()
    {
        complete_ = true;
        return state::complete;
    }

    // 100, 102, 103 and the like are ignored; 101 would change the protocol.
    state skip_informational()
    {
        if (parser_->response.status == 101)
            return fail(make_failure(
                errc::malformed_http, "it switched protocols without a request for that (101)"));
        if (++informational_ > max_informational)
            return fail(too_large(
                "more than " + std::to_string(max_informational) +
                " informational (1xx) responses"));
        parser_.emplace(limits_, all_headers_);
        return state::more;
    }

    // A line that does not end within the limit of the header is refused.
    state need_more()
    {
        in_chunk_line_ = parser_->is_header_done() && !parser_->last_chunk;
        incomplete_line_ = size_;
        if (size_ > limits_.header)
            return fail(too_large(
                "a header or chunk of more than " + std::to_string(limits_.header) + " bytes"));
        return state::more;
    }

    // Newer releases of Beast refuse a chunk's first line that does not end within 8 KiB, though
    // its end may still arrive. The first two bytes may be the end of the previous chunk.
    [[nodiscard]] bool is_long_line(error_code ec) const
    {
        return ec == http::error::bad_chunk_extension && !ends_line(2);
    }

    [[nodiscard]] bool ends_line(std::size_t from) const
    {
        return size_ > from && std::memchr(buffer_.data() + from, '\n', size_ - from) != nullptr;
    }

    // An incomplete line is not parsed again before its end has arrived.
    [[nodiscard]] bool has_line_end() const
    {
        return incomplete_line_ == 0 || ends_line(incomplete_line_);
    }

    void consume(std::size_t used)
    {
        size_ -= used;
        if (used != 0 && size_ != 0)
            std::memmove(buffer_.data(), buffer_.data() + used, size_);
    }

    state fail(error reason)
    {
        failure = std::move(reason);
        return state::failed;
    }

    static error too_large(std::string description)
    {
        return make_failure(errc::response_too_large, "it sent " + std::move(description));
    }

    [[nodiscard]] error to_error(error_code ec) const
    {
        if (ec == http::error::header_limit)
            return too_large("more than " + std::to_string(limits_.header) + " bytes of header");
        if (ec == http::error::body_limit)
            return too_large("more than " + std::to_string(limits_.body) + " bytes of body");
        return make_failure(errc::malformed_http, "its response is not well-formed HTTP", ec);
    }

    response_limits limits_;
    bool all_headers_;
    std::size_t total_limit_;
    std::vector<char, detail::wiping_allocator<char>> buffer_;
    std::size_t size_ = 0;
    // Bytes of the buffer that the present response has written to. They may hold a token.
    std::size_t dirty_size_ = 0;
    std::size_t received_ = 0;
    std::size_t tls_received_ = 0;
    // Beast's parser needs more of a chunk's first line.
    bool in_chunk_line_ = false;
    // Number of bytes when Beast's parser needed more of a line; 0: it did not.
    std::size_t incomplete_line_ = 0;
    bool complete_ = false;
    unsigned informational_ = 0;
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
http_response_parser::state http_response_parser::count_tls_bytes(std::size_t size)
{
    return impl_->count_tls_bytes(size);
}
http_response_parser::state http_response_parser::on_eof(bool authenticated)
{
    return impl_->on_eof(authenticated);
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
