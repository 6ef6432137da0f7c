#ifndef COAUTH_TEST_SUPPORT_CLIENT_FIXTURE_HPP
#define COAUTH_TEST_SUPPORT_CLIENT_FIXTURE_HPP

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace test
{

// A client for several operations.
struct client_fixture
{
    explicit client_fixture(coauth::client_config const& config)
        : client(context.get_executor(), with_log_scan(config))
    {
    }

    token_result fetch(coauth::token_request const& request = {});
    std::vector<token_result> fetch_at_once(std::size_t count);

    boost::asio::io_context context;
    coauth::client client;
};

// The server's configuration without retries.
coauth::client_config single_attempt(authorization_server const& server);
// The same, with a new connection for every operation.
coauth::client_config without_reuse(authorization_server const& server);

// The number of results with this outcome.
std::size_t count(std::vector<token_result> const& all, std::string const& expected);

// Records the events of connections and attempts as lines.
class event_log : public coauth::observer
{
public:
    void on_connection_opened(coauth::connection_opened const& e) override;
    void on_connection_reused(coauth::connection_reused const& e) override;
    void on_connection_closed(coauth::connection_closed const& e) override;
    void on_attempt_started(coauth::attempt_started const& e) override;
    void on_attempt_failed(coauth::attempt_failed const& e) override;
    void on_token_received(coauth::token_received const& e) override;

    std::vector<std::string> take();

private:
    void add(std::string line);

    std::mutex mutex_;
    std::vector<std::string> lines_;
};

void check_lines(event_log& seen, std::vector<std::string> const& expected);

} // namespace test

#endif
