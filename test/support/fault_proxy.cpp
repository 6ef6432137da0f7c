#include "fault_proxy.hpp"

#include "faulty_connection.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <map>
#include <thread>
#include <utility>

namespace test
{

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class fault_proxy::state
{
    // Before its first use: its return type is deduced.
    template <class F>
    auto on_thread(F f)
    {
        return asio::post(context_, asio::use_future(std::move(f))).get();
    }

public:
    explicit state(std::uint16_t server_port)
        : server_port_(server_port)
        , work_(context_.get_executor())
        , thread_([this] { context_.run(); })
    {
    }

    ~state()
    {
        context_.stop();
        thread_.join();
    }

    std::uint16_t open(fault_spec const& spec)
    {
        return on_thread([this, spec] { return listen(spec); });
    }

    void close(std::uint16_t port)
    {
        on_thread([this, port] { listeners_.erase(port); });
    }

    [[nodiscard]] traffic counters(std::uint16_t port)
    {
        return on_thread(
            [this, port]
            {
                auto const found = counters_.find(port);
                return found == counters_.end() ? traffic() : *found->second;
            });
    }

private:
    struct listener
    {
        tcp::acceptor acceptor;
        fault_spec spec;
        std::shared_ptr<traffic> counters;
    };

    std::uint16_t listen(fault_spec const& spec)
    {
        tcp::endpoint const any_port(asio::ip::make_address("127.0.0.1"), 0);
        auto created = std::make_unique<listener>(
            listener{tcp::acceptor(context_, any_port), spec, std::make_shared<traffic>()});
        auto const port = created->acceptor.local_endpoint().port();
        counters_[port] = created->counters;
        accept(*(listeners_[port] = std::move(created)));
        return port;
    }

    void accept(listener& on)
    {
        on.acceptor.async_accept(
            [this, &on](boost::system::error_code ec, tcp::socket socket)
            {
                // The listener no longer exists.
                if (ec == asio::error::operation_aborted)
                    return;
                if (!ec)
                {
                    auto const number = on.counters->connections++;
                    bool const affected = on.spec.connection.value_or(number) == number;
                    forward_with_fault(
                        std::move(socket), server_port_, affected ? on.spec : fault_spec(),
                        on.counters);
                }
                accept(on);
            });
    }

    std::uint16_t const server_port_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::map<std::uint16_t, std::unique_ptr<listener>> listeners_;
    std::map<std::uint16_t, std::shared_ptr<traffic>> counters_;
    std::thread thread_;
};

fault_proxy::fault_proxy(std::uint16_t server_port) : state_(std::make_unique<state>(server_port))
{
}
fault_proxy::~fault_proxy() = default;

coauth::result<std::uint16_t> fault_proxy::open(fault_spec const& spec)
{
    try
    {
        return state_->open(spec);
    }
    catch (boost::system::system_error const& failure)
    {
        coauth::error_info info;
        info.context = "the fault_proxy has no port: " + failure.code().message();
        return coauth::error(coauth::errc::connect_failed, std::move(info));
    }
}

void fault_proxy::close(std::uint16_t port)
{
    state_->close(port);
}

std::size_t fault_proxy::passed(std::uint16_t port, test::direction direction) const
{
    auto const counters = state_->counters(port);
    return direction == test::direction::to_server ? counters.to_server : counters.to_client;
}

std::size_t fault_proxy::connections(std::uint16_t port) const
{
    return state_->counters(port).connections;
}

} // namespace test
