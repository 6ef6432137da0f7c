#ifndef COAUTH_SRC_CLIENT_DESTINATION_HPP
#define COAUTH_SRC_CLIENT_DESTINATION_HPP

#include <coauth/client_config.hpp>

#include "client/connection_pool.hpp"
#include "client/prepared_config.hpp"
#include "net/connection.hpp"
#include "protocol/config_validation.hpp"
#include "protocol/endpoint_url.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <vector>

namespace coauth::detail
{

// An endpoint of the authorization server, and the connections to it.
struct destination
{
    std::string url;
    protocol::endpoint endpoint;
    std::shared_ptr<net::target const> target;
    std::shared_ptr<connection_pool> pool;

    [[nodiscard]] std::unique_ptr<net::connection> make_connection() const
    {
        return std::make_unique<net::connection>(pool->executor, target);
    }
};

// What connections to an endpoint need, but the resolver. Reads the environment.
result<net::target> make_target(
    protocol::endpoint const& endpoint, client_config const& config,
    std::shared_ptr<net::tls_source> const& tls);

// The destinations of one client. Endpoints of the same origin share target and pool.
class destinations
{
public:
    destinations(
        client_config const& config, prepared_config prepared,
        boost::asio::any_io_executor const& executor);

    [[nodiscard]] result<destination const*> find(protocol::endpoint_kind endpoint) const;
    [[nodiscard]] destination const& token() const { return *by_endpoint_.front(); }

    template <class F>
    void for_each_pool(F const& f) const
    {
        for (auto const& one : origins_)
            f(*one.pool);
    }
    void context_gone() noexcept;

private:
    // Connections are shared by all endpoints of an origin.
    struct origin
    {
        protocol::endpoint endpoint;
        std::shared_ptr<net::target const> target;
        std::shared_ptr<connection_pool> pool;
    };

    result<destination> make(client_config const& config, protocol::endpoint_kind endpoint);
    origin const* find_origin(protocol::endpoint const& endpoint) const;
    origin const& add_origin(
        client_config const& config, protocol::endpoint_kind kind,
        protocol::endpoint const& endpoint, net::target target);

    boost::asio::any_io_executor const executor_;
    std::shared_ptr<net::tls_source> const tls_;
    std::vector<origin> origins_;
    // In the order of `protocol::endpoint_kind`.
    std::vector<result<destination>> by_endpoint_;
};

} // namespace coauth::detail

#endif
