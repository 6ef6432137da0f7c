#include "testing/token_endpoint.hpp"

#include "testing/encoding.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

using form = std::vector<std::pair<std::string, std::string>>;

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// One row of a server's table of errors.
struct failure
{
    unsigned status;
    char const* word;
    char const* description;
    // SMS.CX numbers the errors of the OAuth parameters, and no others.
    std::optional<int> code = {};
};

constexpr int oauth_code = 1600;

failure invalid_request(char const* description)
{
    return {400, "invalid_request", description, oauth_code};
}

answer flat_error(failure const& what)
{
    json::object document;
    document["error"] = what.word;
    document["error_description"] = what.description;
    return answer::json(what.status, json::serialize(document));
}

answer nested_error(failure const& what)
{
    json::object inner;
    inner["type"] = what.word;
    inner["message"] = what.description;
    inner["uri"] = "https://sms.cx/docs/errors";
    if (what.code)
        inner["code"] = *what.code;
    json::object document;
    document["error"] = std::move(inner);
    return answer::json(what.status, json::serialize(document));
}

answer failed(dialect how, failure const& what)
{
    auto made = how == dialect::smscx ? nested_error(what) : flat_error(what);
    if (what.status == 401)
        made.headers.add("WWW-Authenticate", "Basic realm=\"token endpoint\"");
    if (what.status == 405)
        made.headers.add("Allow", "POST");
    return made;
}

struct credentials
{
    std::string id;
    std::string secret;
};

// The user and password of a Basic header as this dialect reads them.
std::optional<credentials> read_basic(dialect how, std::string_view header)
{
    auto const space = header.find(' ');
    if (space == std::string_view::npos || !equal_ignoring_case(header.substr(0, space), "basic"))
        return std::nullopt;
    auto const text = decode_base64(header.substr(space + 1));
    if (!text)
        return std::nullopt;
    auto const colon = text->find(':');
    if (colon == std::string::npos)
        return std::nullopt;
    credentials raw{text->substr(0, colon), text->substr(colon + 1)};
    if (how == dialect::smscx)
        return raw;
    auto id = decode_form_text(raw.id);
    auto secret = decode_form_text(raw.secret);
    if (!id || !secret)
        return std::nullopt;
    return credentials{std::move(*id), std::move(*secret)};
}

std::optional<std::string> member(form const& parameters, std::string_view name)
{
    for (auto const& [key, value] : parameters)
        if (key == name)
            return value;
    return std::nullopt;
}

bool has_repeated(form const& parameters)
{
    // A resource may be repeated (RFC 8707 section 2).
    std::vector<std::string> names;
    for (auto const& parameter : parameters)
        if (parameter.first != "resource")
            names.push_back(parameter.first);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// The failure, if the client does not prove who it is.
std::optional<failure>
check_client(server_options const& options, received_request const& request, form const& parameters)
{
    auto const header = request.headers.find("Authorization");
    auto const id = member(parameters, "client_id");
    auto const secret = member(parameters, "client_secret");
    if (header && secret)
        return invalid_request("Two ways of client authentication in one request.");

    std::optional<credentials> given;
    if (header)
        given = read_basic(options.dialect, *header);
    else if (id)
        given = credentials{*id, secret.value_or("")};
    if (given && given->id == options.client_id && given->secret == options.client_secret)
        return std::nullopt;
    return failure{401, "invalid_client", "Client authentication failed.", oauth_code};
}

// RFC 6749 section 3.3: words separated by one space each.
std::vector<std::string> split_scope(std::string_view scope)
{
    std::vector<std::string> words;
    while (true)
    {
        auto const end = scope.find(' ');
        words.emplace_back(scope.substr(0, end));
        if (end == std::string_view::npos)
            return words;
        scope.remove_prefix(end + 1);
    }
}

// The scope granted; none when it is unknown or malformed.
std::optional<std::string>
grant_scope(std::vector<std::string> const& known, std::string const& asked)
{
    if (!asked.empty())
    {
        for (auto const& word : split_scope(asked))
            if (std::find(known.begin(), known.end(), word) == known.end())
                return std::nullopt;
        return asked;
    }
    std::string all;
    for (auto const& word : known)
        all += (all.empty() ? "" : " ") + word;
    return all;
}

answer granted(server_options const& options, std::string const& scope)
{
    json::object document;
    document["access_token"] = random_text(40);
    document["token_type"] = "Bearer";
    document["expires_in"] = options.token_lifetime.count();
    if (!scope.empty())
        document["scope"] = scope;
    return answer::json(200, json::serialize(document));
}

std::optional<failure> check_head(server_options const& options, received_request const& request)
{
    if (request.target != options.path)
        return failure{404, "not_found", "There is nothing at this path."};
    if (request.method != "POST")
        return failure{405, "invalid_method", "The token endpoint takes only POST."};
    auto const type = request.headers.find("Content-Type").value_or("");
    if (!equal_ignoring_case(type.substr(0, type.find(';')), "application/x-www-form-urlencoded"))
        return invalid_request("The request is no form.");
    return std::nullopt;
}

answer decide(server_options const& options, received_request const& request)
{
    auto const how = options.dialect;
    if (auto const problem = check_head(options, request))
        return failed(how, *problem);

    auto const parameters = decode_form(request.body);
    if (!parameters)
        return failed(how, invalid_request("The form cannot be decoded."));
    if (has_repeated(*parameters))
        return failed(how, invalid_request("A parameter is repeated."));
    if (auto const problem = check_client(options, request, *parameters))
        return failed(how, *problem);

    auto const grant = member(*parameters, "grant_type");
    if (!grant)
        return failed(how, invalid_request("The parameter grant_type is missing."));
    if (*grant != "client_credentials")
        return failed(
            how,
            {400, "unsupported_grant_type", "Only client_credentials is supported.", oauth_code});

    auto const scope = grant_scope(options.scopes, member(*parameters, "scope").value_or(""));
    if (!scope)
        return failed(how, {400, "invalid_scope", "The scope is unknown.", oauth_code});
    return granted(options, *scope);
}

} // namespace

answer answer_token_request(server_options const& options, received_request const& request)
{
    auto made = decide(options, request);
    if (options.dialect == dialect::smscx)
    {
        made.headers.add("X-Request-Id", random_text(20));
        made.headers.add("X-Response-Time", "1");
        made.headers.add("X-Rate-Limit-Limit", "100");
        made.headers.add("X-Rate-Limit-Remaining", "99");
    }
    return made;
}

} // namespace coauth::testing
