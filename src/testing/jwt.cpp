#include "testing/jwt.hpp"

#include "testing/encoding.hpp"

#include <boost/json/parse.hpp>

namespace coauth::testing
{

namespace
{

namespace json = boost::json;

std::optional<json::object> read_part(std::string_view part)
{
    auto const text = decode_base64url(part);
    if (!text)
        return std::nullopt;
    boost::system::error_code ec;
    auto const value = json::parse(*text, ec);
    if (ec || !value.is_object())
        return std::nullopt;
    return value.get_object();
}

} // namespace

std::optional<jwt> read_jwt(std::string_view text)
{
    auto const first = text.find('.');
    auto const last = text.rfind('.');
    if (first == last || text.find('.', first + 1) != last)
        return std::nullopt;
    auto header = read_part(text.substr(0, first));
    auto claims = read_part(text.substr(first + 1, last - first - 1));
    auto signature = decode_base64url(text.substr(last + 1));
    if (!header || !claims || !signature)
        return std::nullopt;
    return jwt{
        std::move(*header), std::move(*claims), std::string(text.substr(0, last)),
        std::move(*signature)};
}

std::string text_member(json::object const& object, std::string_view name)
{
    auto const* const value = object.if_contains(name);
    auto const* const text = value ? value->if_string() : nullptr;
    return text ? std::string(text->data(), text->size()) : std::string();
}

std::optional<double> number_member(json::object const& object, std::string_view name)
{
    auto const* const value = object.if_contains(name);
    if (!value)
        return std::nullopt;
    if (auto const* const n = value->if_int64())
        return static_cast<double>(*n);
    if (auto const* const n = value->if_uint64())
        return static_cast<double>(*n);
    if (auto const* const n = value->if_double())
        return *n;
    return std::nullopt;
}

} // namespace coauth::testing
