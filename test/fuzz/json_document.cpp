// Compares with another parser: it must accept what ours accepts, with the same values.

#include "values/json_document.hpp"

#include "fuzz.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cmath>

namespace
{

namespace json = boost::json;
using coauth::detail::json_document;
using coauth::detail::json_kind;
using coauth::detail::json_value;

json_kind kind_of(json::value const& value)
{
    switch (value.kind())
    {
    case json::kind::null:
        return json_kind::null;
    case json::kind::bool_:
        return json_kind::boolean;
    case json::kind::string:
        return json_kind::string;
    case json::kind::array:
        return json_kind::array;
    case json::kind::object:
        return json_kind::object;
    default:
        return json_kind::number;
    }
}

// The other parser reads 0e400 as NaN, and its last digits depend on the following text.
bool same_number(json::value const& a, json::value const& b)
{
    auto const x = a.to_number<double>();
    auto const y = b.to_number<double>();
    return x == y || std::abs(x - y) <= 1e-14 * std::abs(y) || (std::isnan(x) && std::isnan(y));
}

bool same_values(json::value const& a, json::value const& b)
{
    if (a.is_number() && b.is_number())
        return same_number(a, b);
    if (a.is_array() && b.is_array())
        return std::equal(
            a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(),
            same_values);
    if (a.is_object() && b.is_object())
        return std::equal(
            a.get_object().begin(), a.get_object().end(), b.get_object().begin(),
            b.get_object().end(), [](auto const& one, auto const& other)
            { return one.key() == other.key() && same_values(one.value(), other.value()); });
    return a == b;
}

bool same(json_value const& ours, json::value const& other)
{
    if (ours.kind != kind_of(other))
        return false;
    if (other.is_string())
        return std::string_view(other.get_string().data(), other.get_string().size()) == ours.text;
    boost::system::error_code failed;
    auto const again = json::parse({ours.text.data(), ours.text.size()}, failed);
    return !failed && same_values(again, other);
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const document = json_document::parse(text);
    if (!document)
        return 0;
    boost::system::error_code failed;
    json::parse_options options;
    options.max_depth = 32;
    auto const other = json::parse({text.data(), text.size()}, failed, {}, options);
    fuzz::require(!failed && other.is_object(), "an accepted document is a JSON object");
    fuzz::require(document->size() <= 1000, "there are at most 1,000 members");
    fuzz::require(document->size() == other.get_object().size(), "no member comes twice");
    for (auto const& member : other.get_object())
    {
        std::string_view const name(member.key().data(), member.key().size());
        fuzz::require(same(document->find(name), member.value()), "a member has its value");
    }
    for (std::size_t i = 0; i < document->size(); ++i)
    {
        (void)document->value(i).as_strings();
        (void)document->value(i).as_time();
        fuzz::require(
            other.get_object().contains({document->name(i).data(), document->name(i).size()}),
            "a member is in the document");
    }
    return 0;
}
