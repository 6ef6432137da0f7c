#include "protocol/answer.hpp"

#include "policy/lifetime.hpp"
#include "policy/retry_time.hpp"
#include "protocol/endpoint.hpp"
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

constexpr std::array<word_code, 16> words = {{
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
    {"use_dpop_nonce", errc::use_dpop_nonce},
    {"invalid_dpop_proof", errc::invalid_dpop_proof},
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

    result<access_token> read_token()
    {
        if (auto const failed = look())
            return *failed;
        return token();
    }

    result<introspection> read_introspection()
    {
        if (auto const failed = look())
            return *failed;
        return inspected();
    }

    result<void> read_revocation()
    {
        auto const failed = look();
        // A body has no meaning here, unless it is an error's.
        bool const refused =
            answer_.status < 200 || answer_.status > 299 || (document_ && has_oauth_error());
        if (failed && refused)
            return *failed;
        return {};
    }

    result<authorization_server> read_metadata(std::string_view issuer)
    {
        if (auto const failed = look())
            return *failed;
        return metadata(issuer);
    }

private:
    // Why there is nothing to be read; none: there is a document without an error.
    std::optional<error> look()
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
        return std::nullopt;
    }

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
        auto const leaked = document_ ? document_->find("access_token").as_string() : std::nullopt;
        return safe_text(text, config_.authentication, leaked.value_or(std::string_view()));
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
            return "there is no such endpoint at this URL; check it";
        default:
            return answer_.status >= 500 ? "the server failed; try again later"
                                         : "the request was refused without a reason";
        }
    }

    [[nodiscard]] result<std::string> token_type() const
    {
        auto const value = document_->find("token_type");
        std::string wanted = config_.dpop ? "DPoP" : "Bearer";
        if (value.absent_or_null() && !config_.server.require_token_type && !config_.dpop)
            return wanted;
        if (value.kind != json_kind::string)
            return malformed("its token_type is missing or is not a string");
        // What an exchange yields need not be an access token (RFC 8693 section 2.2.1).
        bool const not_applicable = request_.grant() != nullptr && value.text == "N_A";
        auto const& also = config_.server.bearer_names;
        bool const by_another_name =
            !config_.dpop && std::any_of(
                                 also.begin(), also.end(), [&](std::string const& name)
                                 { return equal_ignoring_case(value.text, name); });
        if (equal_ignoring_case(value.text, wanted) || by_another_name || not_applicable)
            return not_applicable ? std::string(value.text) : wanted;
        return malformed(
            "the token_type is '" + safe(value.text).substr(0, 64) + "', not " + wanted,
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

    [[nodiscard]] token_member member(std::size_t i) const
    {
        auto const value = document_->value(i);
        secret json;
        if (value.kind == json_kind::string)
            append_json_string(json, value.text);
        else
            json.append(value.text);
        return {std::string(document_->name(i)), std::move(json)};
    }

    [[nodiscard]] std::vector<token_member> other_members() const
    {
        constexpr std::array<std::string_view, 4> own = {
            "access_token", "token_type", "expires_in", "scope"};
        std::vector<token_member> others;
        for (std::size_t i = 0; i < document_->size(); ++i)
            if (std::find(own.begin(), own.end(), document_->name(i)) == own.end())
                others.push_back(member(i));
        return others;
    }

    [[nodiscard]] result<introspection> inspected() const
    {
        auto const active = document_->find("active");
        if (active.kind != json_kind::boolean)
            return malformed("its member active is missing or is not a boolean");
        auto const aud = document_->find("aud");
        auto audience = aud.as_strings();
        // Else it would look like a token for everybody.
        if (!audience && !aud.absent_or_null())
            return malformed("its aud is neither a string nor strings of at most 64 KiB");
        introspection found;
        found.active = active.text == "true";
        for (auto const& [name, into] :
             {std::pair("scope", &introspection::scope),
              {"client_id", &introspection::client_id},
              {"username", &introspection::username},
              {"token_type", &introspection::token_type},
              {"sub", &introspection::subject},
              {"iss", &introspection::issuer}})
            found.*into = document_->find(name).as_string().value_or(std::string_view());
        found.audience = std::move(audience).value_or(std::vector<std::string>());
        found.expires_at = document_->find("exp").as_time();
        found.issued_at = document_->find("iat").as_time();
        found.not_before = document_->find("nbf").as_time();
        for (std::size_t i = 0; i < document_->size(); ++i)
            found.members.push_back(member(i));
        return found;
    }

    // A URL that may be asked: https, as every endpoint.
    [[nodiscard]] result<std::string>
    endpoint_of(json_document const& where, std::string_view name) const
    {
        auto const value = where.find(name);
        if (value.absent_or_null())
            return std::string();
        if (value.kind != json_kind::string)
            return malformed("its " + std::string(name) + " is not a string");
        auto const good = parse_endpoint(value.text, name, config_.allow_http_loopback);
        if (!good)
            return malformed(safe(good.error().context()));
        return std::string(value.text);
    }

    [[nodiscard]] result<void> read_aliases(authorization_server& found) const
    {
        auto const value = document_->find("mtls_endpoint_aliases");
        auto const aliases = value.kind == json_kind::object ? json_document::parse(value.text)
                                                             : std::optional<json_document>();
        if (!aliases)
            return {};
        auto& into = found.mtls_endpoint_aliases;
        for (auto const& [name, member] :
             {std::pair("token_endpoint", &server_endpoints::token_endpoint),
              {"introspection_endpoint", &server_endpoints::introspection_endpoint},
              {"revocation_endpoint", &server_endpoints::revocation_endpoint}})
        {
            auto url = endpoint_of(*aliases, name);
            if (!url)
                return url.error();
            into.*member = std::move(*url);
        }
        return {};
    }

    [[nodiscard]] result<authorization_server> metadata(std::string_view issuer) const
    {
        // To the letter (RFC 8414 section 3.3): else one server could speak for another.
        if (document_->find("issuer").as_string() != issuer)
            return malformed(
                "its issuer is '" + safe(document_->find("issuer")).substr(0, longest_word) +
                "', not the one that was asked for");
        authorization_server found;
        found.issuer = issuer;
        for (auto const& [name, into] :
             {std::pair("token_endpoint", &authorization_server::token_endpoint),
              {"introspection_endpoint", &authorization_server::introspection_endpoint},
              {"revocation_endpoint", &authorization_server::revocation_endpoint}})
        {
            auto url = endpoint_of(*document_, name);
            if (!url)
                return url.error();
            found.*into = std::move(*url);
        }
        if (found.token_endpoint.empty())
            return malformed("it names no token_endpoint");
        for (auto const& [name, into] :
             {std::pair(
                  "token_endpoint_auth_methods_supported",
                  &authorization_server::authentication_methods),
              {"token_endpoint_auth_signing_alg_values_supported",
               &authorization_server::authentication_algorithms},
              {"dpop_signing_alg_values_supported", &authorization_server::dpop_algorithms},
              {"grant_types_supported", &authorization_server::grant_types},
              {"introspection_endpoint_auth_methods_supported",
               &authorization_server::introspection_authentication_methods},
              {"revocation_endpoint_auth_methods_supported",
               &authorization_server::revocation_authentication_methods}})
            found.*into = document_->find(name).as_strings().value_or(std::vector<std::string>());
        auto const aliases = read_aliases(found);
        if (!aliases)
            return aliases.error();
        return found;
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
    return answer_reader(config, request, std::move(answer), times).read_token();
}

result<introspection> read_introspection_answer(
    client_config const& config, http_answer answer, exchange_times const& times)
{
    token_request const none;
    return answer_reader(config, none, std::move(answer), times).read_introspection();
}

result<void>
read_revocation_answer(client_config const& config, http_answer answer, exchange_times const& times)
{
    token_request const none;
    return answer_reader(config, none, std::move(answer), times).read_revocation();
}

result<authorization_server> read_metadata_answer(
    client_config const& config, std::string_view issuer, http_answer answer,
    exchange_times const& times)
{
    token_request const none;
    return answer_reader(config, none, std::move(answer), times).read_metadata(issuer);
}

} // namespace coauth::protocol
