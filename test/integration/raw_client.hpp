#ifndef COAUTH_TEST_INTEGRATION_RAW_CLIENT_HPP
#define COAUTH_TEST_INTEGRATION_RAW_CLIENT_HPP

#include "fixture.hpp"
#include "test_keys.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace test
{

// A request that the library would not send.
struct raw_request
{
    std::string body = {};
    // Lines without line breaks.
    std::vector<std::string> headers = {};
    std::string path = "/oauth/token";
    std::string method = "POST";
    // 0: the server's first port.
    std::uint16_t port = 0;
    identity const* shown = nullptr;
};

struct raw_response
{
    unsigned status = 0;
    std::string head;
    std::string body;

    // The JSON object of the body; empty if there is none.
    [[nodiscard]] boost::json::object document() const;
    // The string value of one of its members.
    [[nodiscard]] std::string text(char const* name) const;
    [[nodiscard]] std::string header(std::string const& name) const;
};

// Sends the request over a new connection.
raw_response send(authorization_server const& server, raw_request const& request);

// The value of a form's parameter.
std::string escaped(std::string const& text);

} // namespace test

#endif
