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

response flat_error(failure const& problem)
{
    json::object document;
    document["error"] = problem.code;
    document["error_description"] = problem.description;
    return response::json(problem.status, json::serialize(document));
}

response nested_error(failure const& problem)
{
    json::object inner;
    inner["type"] = problem.code;
    inner["message"] = problem.description;
    inner["uri"] = "https://sms.cx/docs/errors";
    if (problem.number)
        inner["code"] = *problem.number;
    json::object document;
    document["error"] = std::move(inner);
    return response::json(problem.status, json::serialize(document));
}

} // namespace

failure invalid_request(std::string description)
{
    return oauth_failure("invalid_request", std::move(description));
}

failure invalid_client(std::string description)
{
    return {401, "invalid_client", std::move(description), oauth_code};
}

failure oauth_failure(char const* code, std::string description)
{
    return {400, code, std::move(description), oauth_code};
}

response to_response(server_flavor flavor, failure const& problem)
{
    auto result = flavor == server_flavor::smscx ? nested_error(problem) : flat_error(problem);
    if (problem.status == 401)
        result.headers.add("WWW-Authenticate", "Basic realm=\"token endpoint\"");
    if (problem.status == 405)
        result.headers.add("Allow", problem.allow);
    return result;
}

void throw_exception_from_error(failure const& problem, boost::source_location const& location)
{
    boost::throw_exception(std::logic_error(problem.description), location);
}

} // namespace coauth::testing
