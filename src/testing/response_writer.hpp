#ifndef COAUTH_SRC_TESTING_RESPONSE_WRITER_HPP
#define COAUTH_SRC_TESTING_RESPONSE_WRITER_HPP

#include <coauth/testing/response.hpp>

#include <string>

namespace coauth::testing
{

// The bytes of the response, cut at `response::cut_at`. `keep_alive`: the request allows a further
// one on the connection.
std::string to_wire(response const& source, bool keep_alive);

} // namespace coauth::testing

#endif
