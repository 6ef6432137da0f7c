// A client in a process of its own. Arguments: the command, the token endpoint, and a file of CA
// certificates or "system".

#include <coauth/coauth.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

namespace
{

coauth::client_config make_config(std::string const& endpoint, std::string const& ca_file)
{
    coauth::client_config config;
    config.server.token_endpoint = endpoint;
    config.authentication =
        coauth::client_authentication::client_secret_basic("application", coauth::secret("secret"));
    config.retry.max_attempts = 1;
    if (ca_file != "system")
        config.tls.ca_file = ca_file;
    return config;
}

// Prints "success" or the error.
int fetch(coauth::client_config const& config)
{
    boost::asio::io_context context;
    coauth::client client(context, config);
    client.async_get_access_token(
        coauth::token_request(),
        [](coauth::result<coauth::access_token> const& token)
        {
            std::cout
                << (token ? "success"
                          : std::string(coauth::to_string(token.error().value())) + ": " +
                                token.error().message());
        });
    context.run();
    return 0;
}

// Calls exit() while threads do handshakes.
[[noreturn]] void exit_during_handshakes(coauth::client_config config)
{
    config.connections.idle_timeout = std::chrono::milliseconds(0);
    auto& pool = *new boost::asio::thread_pool(4);
    auto& client = *new coauth::client(pool, config);
    for (int i = 0; i < 64; ++i)
        client.async_get_access_token(
            coauth::token_request(), [](coauth::result<coauth::access_token> const&) {});
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::exit(0); // NOLINT(concurrency-mt-unsafe)
}

} // namespace

int main(int count, char** arguments)
{
    if (count != 4)
        return 2;
    auto const config = make_config(arguments[2], arguments[3]);
    if (std::string(arguments[1]) == "exit")
        exit_during_handshakes(config);
    return fetch(config);
}
