#ifndef COAUTH_SRC_TESTING_FORM_REQUEST_HPP
#define COAUTH_SRC_TESTING_FORM_REQUEST_HPP

#include "testing/failure.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coauth::testing
{

using form = std::vector<std::pair<std::string, std::string>>;

bool equal_ignoring_case(std::string_view a, std::string_view b);

std::optional<std::string> member(form const& parameters, std::string_view name);
// The value of the parameter, or a failure that names the missing one.
checked<std::string> required_member(form const& parameters, std::string_view name);

// The parameters of the request's form.
checked<form> read_form(received_request const& request);

} // namespace coauth::testing

#endif
