#ifndef COAUTH_SRC_TESTING_WIRE_HPP
#define COAUTH_SRC_TESTING_WIRE_HPP

#include <coauth/testing/answer.hpp>

#include <string>

namespace coauth::testing
{

// The bytes of the answer, cut where it says. `keep_alive`: the request allows another.
std::string to_wire(answer const& what, bool keep_alive);

} // namespace coauth::testing

#endif
