// Command whydrop says where and why packets were lost.
package main
