#ifndef COAUTH_SRC_SIGNER_CALL_HPP
#define COAUTH_SRC_SIGNER_CALL_HPP

#include <coauth/signing_key.hpp>

#include "net/abort_switch.hpp"
#include "net/context_watch.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace coauth::detail
{

// One question to a user's signer, which answers from any thread, twice, or never.
class signer_call final : public net::cancellable,
                          public net::context_watch::member,
                          public std::enable_shared_from_this<signer_call>
{
public:
    using handler = boost::asio::any_completion_handler<void(result<std::string>)>;

    explicit signer_call(boost::asio::any_io_executor executor);
    ~signer_call();
    signer_call(signer_call const&) = delete;
    signer_call& operator=(signer_call const&) = delete;

    // Takes the handler, which is called once, on the executor, never within this call.
    void hold(handler done);
    // Asks the signer, unless the handler has been called meanwhile.
    void ask(signer_function const& sign, std::string input);
    void cancel() override;

private:
    class once;

    void settle(result<std::string> signature) noexcept;
    void context_gone() noexcept override;
    handler take() noexcept;

    boost::asio::any_io_executor const executor_;
    std::mutex mutex_;
    handler done_;
    // Null once the context is gone.
    std::atomic<net::context_watch*> watch_{nullptr};
};

} // namespace coauth::detail

#endif
