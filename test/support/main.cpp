#define BOOST_TEST_MODULE coauth
#include <boost/test/unit_test.hpp>
