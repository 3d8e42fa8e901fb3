"""What people are asked: proposals and questions, and how they reach the approvers."""
