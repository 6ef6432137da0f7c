#ifndef COAUTH_SRC_NET_EXCHANGE_HPP
#define COAUTH_SRC_NET_EXCHANGE_HPP

#include <coauth/client_config.hpp>

#include "http_answer.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace boost::asio::ssl
{
class context;
}

namespace coauth::net
{

// One request to one server, and all that bounds it.
struct exchange_plan
{
    // No context: plain HTTP.
    std::shared_ptr<boost::asio::ssl::context> tls;
    std::string host;
    std::string port;
    bool ip_literal = false;
    secret request;
    answer_limits limits;
    std::chrono::milliseconds timeout{};
    std::shared_ptr<coauth::observer> observer;
};

struct exchange_outcome
{
    http_answer answer;
    // The moment before the first byte of the request was written.
    std::chrono::system_clock::time_point sent;
    std::chrono::steady_clock::time_point sent_steady;
};

// Resolve, connect, TLS, one request, one answer, on a strand of its own over the executor.
//
// Lives in its own pending operations: when they are destroyed with their context, so is it, and
// the handler is then never called.
class exchange
{
public:
    using handler = boost::asio::any_completion_handler<void(result<exchange_outcome>)>;

    virtual ~exchange() = default;

    static std::shared_ptr<exchange>
    make(boost::asio::any_io_executor const& executor, exchange_plan plan);

    // Calls `done` once on the exchange's strand, never within this call. To be called once.
    virtual void begin(handler done) = 0;

    // Ends the exchange promptly with this error, whatever it waits for. Safe from any thread, also
    // before it began; does nothing once it has ended.
    virtual void abort(errc why) = 0;
};

} // namespace coauth::net

#endif
