#include "testing/form_request.hpp"

#include "testing/encoding.hpp"

#include <algorithm>
#include <cctype>

namespace coauth::testing
{

std::string received_request::parameter(std::string_view name) const
{
    return member(decode_form(body).value_or(form()), name).value_or("");
}

std::vector<std::string> received_request::parameters(std::string_view name) const
{
    std::vector<std::string> values;
    for (auto& [key, value] : decode_form(body).value_or(form()))
        if (key == name)
            values.push_back(std::move(value));
    return values;
}

namespace
{

bool has_repeated(form const& parameters)
{
    // A resource may be repeated (RFC 8707 section 2), and so may an audience (RFC 8693 section
    // 2.1).
    std::vector<std::string> names;
    for (auto const& parameter : parameters)
        if (parameter.first != "resource" && parameter.first != "audience")
            names.push_back(parameter.first);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
}

} // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<std::string> member(form const& parameters, std::string_view name)
{
    for (auto const& [key, value] : parameters)
        if (key == name)
            return value;
    return std::nullopt;
}

checked<std::string> required_member(form const& parameters, std::string_view name)
{
    if (auto found = member(parameters, name))
        return std::move(*found);
    return invalid_request("The parameter " + std::string(name) + " is missing.");
}

checked<form> read_form(received_request const& request)
{
    if (request.method != "POST")
        return failure{405, "invalid_method", "The endpoint accepts only POST."};
    auto const type = request.headers.find("Content-Type").value_or("");
    if (!equal_ignoring_case(type.substr(0, type.find(';')), "application/x-www-form-urlencoded"))
        return invalid_request("The request is not a form.");
    auto parameters = decode_form(request.body);
    if (!parameters)
        return invalid_request("The form cannot be decoded.");
    if (has_repeated(*parameters))
        return invalid_request("A parameter is repeated.");
    return std::move(*parameters);
}

} // namespace coauth::testing
