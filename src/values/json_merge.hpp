#ifndef COAUTH_SRC_VALUES_JSON_MERGE_HPP
#define COAUTH_SRC_VALUES_JSON_MERGE_HPP

#include <coauth/secret.hpp>

#include <string_view>

namespace coauth::detail
{

// Two JSON objects as one: members that are objects in both are merged, and of other members of the
// same name the one of `more` counts. A text that is not an object counts as an empty one.
secret merge_json_objects(std::string_view base, std::string_view more);

} // namespace coauth::detail

#endif
