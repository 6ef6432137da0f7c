#ifndef COAUTH_TEST_INTEGRATION_RAW_CLIENT_HPP
#define COAUTH_TEST_INTEGRATION_RAW_CLIENT_HPP

#include "fixture.hpp"
#include "test_keys.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace test
{

// A request as bytes, which the library would not send.
struct raw_request
{
    std::string body = {};
    // Whole lines, without their ends.
    std::vector<std::string> headers = {};
    std::string path = "/oauth/token";
    std::string method = "POST";
    // 0: the server's first one.
    std::uint16_t port = 0;
    identity const* shown = nullptr;
};

struct raw_response
{
    unsigned status = 0;
    std::string head;
    std::string body;

    // Of the JSON object in the body; empty where there is none.
    [[nodiscard]] boost::json::object document() const;
    // The text of a member of it.
    [[nodiscard]] std::string text(char const* name) const;
    [[nodiscard]] std::string header(std::string const& name) const;
};

// Sends it on a connection of its own.
raw_response send(authorization_server const& server, raw_request const& request);

// The value of a form's parameter.
std::string escaped(std::string const& text);

} // namespace test

#endif
