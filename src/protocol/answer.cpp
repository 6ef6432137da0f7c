#include "protocol/answer.hpp"

#include "policy/lifetime.hpp"
#include "policy/retry_time.hpp"
#include "protocol/json_document.hpp"
#include "protocol/mask.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace coauth::protocol
{
namespace
{

constexpr std::size_t longest_token = std::size_t(64) * 1024;
constexpr std::size_t longest_word = 256;

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// VSCHAR without space: what may stand in an Authorization field (RFC 6749 appendix A.12, RFC
// 6750).
bool fits_a_header(std::string_view text)
{
    // To its end, whatever comes, and in one comparison: compilers then look at many at once.
    unsigned char outside = 0;
    for (char const c : text)
        outside |= static_cast<unsigned char>(c - 0x21) > 0x7e - 0x21;
    return outside == 0;
}

bool is_printable_ascii(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

struct word_code
{
    std::string_view word;
    errc code;
};

constexpr std::array<word_code, 14> words = {{
    {"invalid_request", errc::invalid_request},
    {"invalid_client", errc::invalid_client},
    {"invalid_grant", errc::invalid_grant},
    {"unauthorized_client", errc::unauthorized_client},
    {"unsupported_grant_type", errc::unsupported_grant_type},
    {"invalid_scope", errc::invalid_scope},
    {"invalid_target", errc::invalid_target},
    {"access_denied", errc::access_denied},
    {"insufficient_scope", errc::insufficient_scope},
    {"invalid_method", errc::invalid_method},
    {"server_error", errc::server_error},
    {"temporarily_unavailable", errc::temporarily_unavailable},
    {"rate_limit", errc::rate_limited},
    {"slow_down", errc::rate_limited},
}};

errc code_of(std::string_view word)
{
    for (auto const& row : words)
        if (row.word == word)
            return row.code;
    return errc::other_oauth_error;
}

std::optional<std::int64_t> as_integer(json_value value)
{
    if (value.kind != json_kind::number && value.kind != json_kind::string)
        return std::nullopt;
    std::int64_t number = 0;
    auto const end = value.text.data() + value.text.size();
    auto const [stopped, failure] = std::from_chars(value.text.data(), end, number);
    if (failure != std::errc() || stopped != end)
        return std::nullopt;
    return number;
}

class answer_reader
{
public:
    answer_reader(
        client_config const& config, token_request const& request, http_answer answer,
        exchange_times const& times)
        : config_(config)
        , request_(request)
        , answer_(std::move(answer))
        , times_(times)
    {
    }

    result<access_token> read()
    {
        bool const plain = coded_plainly();
        if (plain)
            document_ = json_document::parse(answer_.body.view());
        if (answer_.status < 200 || answer_.status > 299)
            return failure();
        if (!plain)
            return malformed("it is compressed or encoded, which was not asked for");
        if (!document_)
            return malformed(answer_.body.empty() ? "it has no body" : "it is not a JSON object");
        if (has_oauth_error())
            return failure();
        return token();
    }

private:
    [[nodiscard]] bool coded_plainly() const
    {
        auto const coding = answer_.headers.find("Content-Encoding");
        return !coding || coding->empty() || equal_ignoring_case(*coding, "identity");
    }

    [[nodiscard]] error_info known() const
    {
        error_info info;
        info.http_status = answer_.status;
        info.attempts = 1;
        if (config_.keep_headers)
            info.headers = answer_.headers;
        return info;
    }

    [[nodiscard]] error malformed(std::string context, errc code = errc::malformed_answer) const
    {
        auto info = known();
        auto const type = answer_.headers.find("Content-Type");
        info.context = std::move(context) + " (" +
                       (type ? safe(*type).substr(0, longest_word) : "no Content-Type") + ", " +
                       std::to_string(answer_.body.size()) + " bytes)";
        info.retry_at = retry_at();
        return {code, std::move(info)};
    }

    // What the server wrote, without what must not be shown.
    [[nodiscard]] std::string safe(std::string_view text) const
    {
        std::string shown = safe_text(text, config_.authentication);
        auto const leaked = document_ ? document_->find("access_token").as_string() : std::nullopt;
        if (leaked && leaked->size() >= 4)
            for (auto at = shown.find(*leaked); at != std::string::npos; at = shown.find(*leaked))
                shown.replace(at, leaked->size(), "***");
        return shown;
    }

    [[nodiscard]] std::string safe(json_value value) const
    {
        return value.kind == json_kind::string ? safe(value.text) : std::string();
    }

    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> retry_at() const
    {
        policy::retry_fields fields;
        fields.retry_after = answer_.headers.find("Retry-After");
        fields.date = answer_.headers.find("Date");
        // Servers tell the reset with every answer; it is a wait only for the throttled.
        if (answer_.status == 429 || answer_.status == 503)
            fields.rate_limit_reset = answer_.headers.find("X-Rate-Limit-Reset");
        if (answer_.status < 400)
            return std::nullopt;
        return policy::retry_at(fields, times_.received);
    }

    // The word of an OAuth error: RFC 6749 has it flat, SMS.CX nested.
    [[nodiscard]] std::string_view error_word() const
    {
        if (!document_)
            return {};
        auto const flat = document_->find("error");
        auto const value = flat.kind == json_kind::object ? document_->find_in_error("type") : flat;
        auto const word = value.as_string().value_or(std::string_view());
        return is_printable_ascii(word) ? word.substr(0, longest_word) : std::string_view();
    }

    [[nodiscard]] bool has_oauth_error() const
    {
        return !document_->find("error").absent_or_null();
    }

    void read_flat(error_info& info) const
    {
        info.description = safe(document_->find("error_description"));
        info.uri = safe(document_->find("error_uri"));
    }

    void read_nested(error_info& info) const
    {
        info.description = safe(document_->find_in_error("message"));
        info.uri = safe(document_->find_in_error("uri"));
        info.server_code = as_integer(document_->find_in_error("code"));
    }

    // Problem details (RFC 9457).
    void read_problem(error_info& info) const
    {
        info.description = safe(document_->find("detail"));
        if (info.description.empty())
            info.description = safe(document_->find("title"));
        info.uri = safe(document_->find("type"));
    }

    [[nodiscard]] error failure() const
    {
        auto info = known();
        info.retry_at = retry_at();
        auto const word = error_word();
        info.oauth_error = safe(word);
        if (document_ && document_->find("error").kind == json_kind::object)
            read_nested(info);
        else if (document_ && !word.empty())
            read_flat(info);
        else if (document_)
            read_problem(info);
        auto const code = failure_code(word);
        if (code == errc::http_error)
            info.context = status_advice();
        return {code, std::move(info)};
    }

    // Status first where it alone decides; then the word; then what is left of the status.
    [[nodiscard]] errc failure_code(std::string_view word) const
    {
        if (answer_.status >= 300 && answer_.status < 400)
            return errc::redirect_refused;
        if (answer_.status == 429)
            return errc::rate_limited;
        if (!word.empty())
            return code_of(word);
        return answer_.status < 300 ? errc::malformed_answer : errc::http_error;
    }

    [[nodiscard]] std::string status_advice() const
    {
        switch (answer_.status)
        {
        case 401:
            return "the client's credentials were not accepted; check client id and secret";
        case 403:
            return "the client may not do this; check its rights at the server";
        case 404:
        case 405:
            return "there is no token endpoint at this URL; check server.token_endpoint";
        default:
            return answer_.status >= 500 ? "the server failed; try again later"
                                         : "the request was refused without a reason";
        }
    }

    [[nodiscard]] result<std::string> token_type() const
    {
        auto const value = document_->find("token_type");
        if (value.absent_or_null() && !config_.server.require_token_type)
            return std::string("Bearer");
        if (value.kind != json_kind::string)
            return malformed("its token_type is missing or is not a string");
        if (equal_ignoring_case(value.text, "Bearer"))
            return std::string("Bearer");
        return malformed(
            "the token_type is '" + safe(value.text).substr(0, 64) + "', not Bearer",
            errc::unsupported_token_type);
    }

    [[nodiscard]] result<std::string> scope() const
    {
        auto const value = document_->find("scope");
        if (value.absent_or_null())
            return request_.scope();
        if (value.kind != json_kind::string)
            return malformed("its scope is not a string");
        if (!is_printable_ascii(value.text))
            return malformed("its scope contains characters that no scope may have");
        return std::string(value.text);
    }

    [[nodiscard]] policy::lifetime lifetime() const
    {
        auto const value = document_->find("expires_in");
        auto form = policy::expires_in_form::other;
        if (value.kind == json_kind::absent)
            form = policy::expires_in_form::absent;
        else if (value.kind == json_kind::null)
            form = policy::expires_in_form::null;
        else if (value.kind == json_kind::number)
            form = policy::expires_in_form::number;
        else if (value.kind == json_kind::string)
            form = policy::expires_in_form::string;
        return policy::interpret_expires_in(form, value.text, config_.server.lifetimes);
    }

    [[nodiscard]] std::vector<token_member> other_members() const
    {
        constexpr std::array<std::string_view, 4> own = {
            "access_token", "token_type", "expires_in", "scope"};
        std::vector<token_member> others;
        for (std::size_t i = 0; i < document_->size(); ++i)
        {
            auto const name = document_->name(i);
            if (std::find(own.begin(), own.end(), name) != own.end())
                continue;
            auto const value = document_->value(i);
            secret json;
            if (value.kind == json_kind::string)
                append_json_string(json, value.text);
            else
                json.append(value.text);
            others.push_back({std::string(name), std::move(json)});
        }
        return others;
    }

    [[nodiscard]] result<access_token> token()
    {
        auto const value = document_->find("access_token").as_string();
        if (!value || value->empty())
            return malformed("it has no access_token");
        if (value->size() > longest_token)
            return malformed("its access_token is longer than 64 KiB", errc::answer_too_large);
        if (!fits_a_header(*value))
            return malformed("its access_token contains characters that no header may carry");
        auto type = token_type();
        if (!type)
            return type.error();
        auto granted = scope();
        if (!granted)
            return granted.error();
        auto const life = lifetime();
        if (!life.valid)
            return malformed("its expires_in is not a number of seconds");
        access_token_info info;
        // With room for the scheme that an Authorization field puts before it.
        info.value.reserve(type->size() + 1 + value->size());
        info.value.append(*value);
        info.token_type = std::move(*type);
        info.scope = std::move(*granted);
        info.lifetime = life.seconds;
        return finished(std::move(info));
    }

    [[nodiscard]] access_token finished(access_token_info info)
    {
        info.requested_at = times_.sent;
        info.requested_at_steady = times_.sent_steady;
        info.http_status = answer_.status;
        info.members = other_members();
        if (config_.keep_headers)
            info.headers = std::move(answer_.headers);
        return access_token(std::move(info));
    }

    client_config const& config_;
    token_request const& request_;
    http_answer answer_;
    exchange_times const& times_;
    std::optional<json_document> document_;
};

} // namespace

result<access_token> read_token_answer(
    client_config const& config, token_request const& request, http_answer answer,
    exchange_times const& times)
{
    return answer_reader(config, request, std::move(answer), times).read();
}

} // namespace coauth::protocol
