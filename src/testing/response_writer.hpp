#ifndef COAUTH_SRC_TESTING_RESPONSE_WRITER_HPP
#define COAUTH_SRC_TESTING_RESPONSE_WRITER_HPP

#include <coauth/testing/response.hpp>

#include <string>

namespace coauth::testing
{

// The bytes of the response, cut where it says. `keep_alive`: the request allows another.
std::string to_wire(response const& what, bool keep_alive);

} // namespace coauth::testing

#endif
