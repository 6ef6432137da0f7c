#include "client_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <utility>

namespace test
{

token_result client_fixture::fetch(coauth::token_request const& request)
{
    std::optional<token_result> got;
    client.async_get_access_token(request, [&](token_result r) { got = r; });
    context.restart();
    context.run();
    BOOST_REQUIRE(got.has_value());
    return *got;
}

std::vector<token_result> client_fixture::fetch_at_once(std::size_t count)
{
    std::vector<token_result> got;
    for (std::size_t i = 0; i < count; ++i)
        client.async_get_access_token(
            coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
    context.restart();
    context.run();
    BOOST_REQUIRE_EQUAL(got.size(), count);
    return got;
}

coauth::client_config single_attempt(authorization_server const& server)
{
    auto config = server.config();
    config.retry.max_attempts = 1;
    return config;
}

coauth::client_config without_reuse(authorization_server const& server)
{
    auto config = single_attempt(server);
    config.connections.idle_timeout = 0ms;
    return config;
}

std::size_t count(std::vector<token_result> const& all, std::string const& expected)
{
    std::size_t found = 0;
    for (auto const& one : all)
        found += outcome(one) == expected ? 1U : 0U;
    return found;
}

void event_log::on_connection_opened(coauth::connection_opened const& e)
{
    add(e.resumed ? "opened, resumed" : "opened");
}
void event_log::on_connection_reused(coauth::connection_reused const&)
{
    add("reused");
}
void event_log::on_connection_closed(coauth::connection_closed const& e)
{
    add("closed after " + std::to_string(e.requests));
}
void event_log::on_attempt_started(coauth::attempt_started const& e)
{
    add("attempt " + std::to_string(e.number));
}
void event_log::on_attempt_failed(coauth::attempt_failed const& e)
{
    add("failed: " + std::string(to_string(e.error.value())) + (e.retry_in ? ", again" : ""));
}
void event_log::on_token_received(coauth::token_received const& e)
{
    add("token after " + std::to_string(e.attempts));
}

std::vector<std::string> event_log::take()
{
    std::lock_guard const lock(mutex_);
    return std::exchange(lines_, {});
}

void event_log::add(std::string line)
{
    std::lock_guard const lock(mutex_);
    lines_.push_back(std::move(line));
}

void check_lines(event_log& seen, std::vector<std::string> const& expected)
{
    auto const lines = seen.take();
    BOOST_TEST(lines == expected, boost::test_tools::per_element());
}

} // namespace test
