#include "testing/failure.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/throw_exception.hpp>

#include <stdexcept>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

constexpr int oauth_code = 1600;

response flat_error(failure const& what)
{
    json::object document;
    document["error"] = what.word;
    document["error_description"] = what.description;
    return response::json(what.status, json::serialize(document));
}

response nested_error(failure const& what)
{
    json::object inner;
    inner["type"] = what.word;
    inner["message"] = what.description;
    inner["uri"] = "https://sms.cx/docs/errors";
    if (what.code)
        inner["code"] = *what.code;
    json::object document;
    document["error"] = std::move(inner);
    return response::json(what.status, json::serialize(document));
}

} // namespace

failure invalid_request(std::string description)
{
    return refused("invalid_request", std::move(description));
}

failure invalid_client(std::string description)
{
    return {401, "invalid_client", std::move(description), oauth_code};
}

failure refused(char const* word, std::string description)
{
    return {400, word, std::move(description), oauth_code};
}

response to_response(server_flavor how, failure const& what)
{
    auto made = how == server_flavor::smscx ? nested_error(what) : flat_error(what);
    if (what.status == 401)
        made.headers.add("WWW-Authenticate", "Basic realm=\"token endpoint\"");
    if (what.status == 405)
        made.headers.add("Allow", what.allow);
    return made;
}

void throw_exception_from_error(failure const& what, boost::source_location const& where)
{
    boost::throw_exception(std::logic_error(what.description), where);
}

} // namespace coauth::testing
