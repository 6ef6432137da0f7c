#include "protocol/authorization_details.hpp"

#include "values/json_document.hpp"
#include "values/make_error.hpp"

#include <string>

namespace coauth::protocol
{
namespace
{

error not_an_array()
{
    return detail::parameter_error(
        "authorization_details is not the text of a JSON array of objects; write it as "
        R"([{"type":"..."}])");
}

} // namespace

result<void> check_authorization_details(std::string_view json)
{
    // The document of one member is the reader's smallest; a second one would be injected text.
    auto const document =
        detail::json_document::parse("{\"authorization_details\":" + std::string(json) + "}");
    if (!document || document->size() != 1 || document->value(0).kind != detail::json_kind::array)
        return not_an_array();
    auto const elements = document->value(0).as_objects();
    if (!elements || elements->empty())
        return not_an_array();
    for (std::size_t i = 0; i < elements->size(); ++i)
    {
        auto const& element = (*elements)[i];
        auto const object = detail::json_document::parse(element.view());
        auto const type = object ? object->find("type").as_string() : std::nullopt;
        if (!type || type->empty())
            return detail::parameter_error(
                "element " + std::to_string(i + 1) +
                " of authorization_details has no type (RFC 9396 section 2), or has a member "
                "twice");
    }
    return {};
}

} // namespace coauth::protocol
