#include "values/json_merge.hpp"

#include "values/json_document.hpp"
#include "values/json_object.hpp"

namespace coauth::detail
{
namespace
{

void add(json_object& to, std::string_view name, json_value const& value)
{
    if (value.kind == json_kind::string)
        to.text(name, value.text);
    else
        to.json(name, value.text);
}

} // namespace

// The depth is that of the documents, which is bounded.
secret merge_json_objects(std::string_view base, std::string_view more)
{
    auto const old_members = json_document::parse(base);
    auto const new_members = json_document::parse(more);
    json_object merged;
    for (std::size_t i = 0; old_members && i < old_members->size(); ++i)
    {
        auto const name = old_members->name(i);
        auto const old_value = old_members->value(i);
        auto const new_value = new_members ? new_members->find(name) : json_value();
        if (new_value.kind == json_kind::absent)
            add(merged, name, old_value);
        else if (old_value.kind == json_kind::object && new_value.kind == json_kind::object)
            merged.json(name, merge_json_objects(old_value.text, new_value.text).view());
        else
            add(merged, name, new_value);
    }
    for (std::size_t i = 0; new_members && i < new_members->size(); ++i)
        if (!old_members || old_members->find(new_members->name(i)).kind == json_kind::absent)
            add(merged, new_members->name(i), new_members->value(i));
    return merged.serialize();
}

} // namespace coauth::detail
