#ifndef COAUTH_SRC_CLIENT_EXTERNAL_RESULT_HPP
#define COAUTH_SRC_CLIENT_EXTERNAL_RESULT_HPP

#include <coauth/signing_key.hpp>

#include "net/continuation.hpp"
#include "net/stop_state.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace coauth::detail
{

class external_result;

// The results that operations of one client wait for and that others provide: a user's signer, or a
// request of the client itself. Outlives client and context: a signer may complete later than
// either, from another thread.
class pending_results
{
public:
    // Destroys the handlers, as the context does. Nothing is posted to the context any more.
    void context_gone() noexcept;

private:
    friend class external_result;

    std::mutex mutex_;
    std::list<external_result*> waiting_;
    bool context_is_gone_ = false;
};

// One such result, which may be provided from any thread, more than once, or never.
class external_result final : public net::cancellable,
                              public std::enable_shared_from_this<external_result>
{
public:
    using handler_type = net::continuation<result<std::string>>;

    explicit external_result(std::shared_ptr<pending_results> pending);
    ~external_result();
    external_result(external_result const&) = delete;
    external_result& operator=(external_result const&) = delete;

    // The handler is called once, never within this call.
    void set_handler(handler_type handler);
    // Calls the signer, unless the handler has been called meanwhile.
    void call_signer(signer_function const& sign, std::string input);
    // The first call counts.
    void complete(result<std::string> outcome) noexcept;
    void cancel() noexcept override;

private:
    friend class pending_results;

    std::shared_ptr<pending_results> const pending_;
    // Guarded by the mutex of `pending_`. The node is in its list while there is a handler.
    std::list<external_result*> node_;
    handler_type handler_;
};

} // namespace coauth::detail

#endif
