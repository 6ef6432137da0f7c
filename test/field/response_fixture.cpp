#include "response_fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>

namespace test
{
namespace
{

coauth::testing::authorization_server start()
{
    coauth::testing::server_options options;
    options.client_id = client_id;
    options.client_secret = client_secret;
    auto server = coauth::testing::authorization_server::start(options);
    if (!server)
        BOOST_FAIL(server.error().message());
    return std::move(*server);
}

} // namespace

scripted_server::scripted_server() : server_(start()), config_(server_.config())
{
    config_.retry.max_attempts = 1;
}

coauth::result<coauth::access_token> scripted_server::get_token(response scripted)
{
    server_.push_response(std::move(scripted));
    boost::asio::io_context context;
    std::optional<coauth::result<coauth::access_token>> got;
    coauth::client client(context, config_);
    client.async_get_access_token(
        coauth::token_request(),
        [&](coauth::result<coauth::access_token> result)
        {
            got = std::move(result);
            client.close();
        });
    context.run();
    BOOST_REQUIRE(got.has_value());
    return *got;
}

coauth::error scripted_server::get_error(response scripted)
{
    auto const got = get_token(std::move(scripted));
    BOOST_REQUIRE(!got.has_value());
    return got.error();
}

coauth::result<coauth::introspection> scripted_server::introspect(response scripted)
{
    server_.push_response(std::move(scripted));
    boost::asio::io_context context;
    std::optional<coauth::result<coauth::introspection>> got;
    coauth::client client(context, config_);
    client.async_introspect(
        coauth::secret("t"), "",
        [&](coauth::result<coauth::introspection> result)
        {
            got = std::move(result);
            client.close();
        });
    context.run();
    BOOST_REQUIRE(got.has_value());
    return *got;
}

response document(unsigned status, std::string type, std::string body)
{
    response scripted;
    scripted.status = status;
    scripted.headers.add("Content-Type", std::move(type));
    scripted.body = std::move(body);
    return scripted;
}

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

} // namespace test
